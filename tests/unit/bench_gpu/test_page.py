"""The page says what was measured and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from hack.gpu import options as opts
from hack.gpu import parts
from hack.gpu.measurements import tax
from hack.gpu.measurements.exactness import differences
from hack.gpu.measurements.step_times import result_of
from hack.gpu.options import Options, content_of
from hack.gpu.parts import Part, parts_of
from hack.gpu.results import profile
from hack.gpu.results.page import text_of
from hack.gpu.setup.machine import Machine
from hack.gpu.setup.setups import NGRAM, OFF, TIERED
from tandem_operator.bench.measured import Measured, Sample
from tandem_operator.bench.plan import Block
from tandem_operator.simulation.world.profile import read_profile

DRY = Machine(("vllm", "serve"), {"gpu": "none", "vllm": "0.32.0"}, dry=True)


def options(folder: Path) -> Options:
    return Options(folder / "target", folder / "draft", "draft_model", folder, folder, (), opts.DRY)


def steps(*cells: tuple[float, int, float]) -> dict[str, Any]:
    """A part's result from cells of (batch, K, ms)."""
    measured = [
        Measured(
            Block(0, int(batch), depth, "code"),
            (Sample(batch, depth, ms / 1e3, 100.0, 100 * batch, 0.0),),
            (60.0,) * depth, (100.0,) * depth, 500.0, (1.0,),
        )
        for batch, depth, ms in cells
    ]  # fmt: skip
    return result_of(measured)


def test_nothing_measured_is_a_page_without_a_figure(tmp_path: Path) -> None:
    planned = parts_of(dry=True)

    text = text_of(DRY, options(tmp_path), planned, {}, {planned[0]: "no room\nMemoryError: full"})

    assert text.count("Not measured.") == 8
    assert f"- {planned[0].name}: no room / MemoryError: full" in text
    assert f"- {planned[1].name}: the time was up" in text
    assert "A dry run on CPU" in text
    assert "| ms" not in text


def test_a_gpus_page_is_no_dry_run(tmp_path: Path) -> None:
    machine = Machine(("vllm", "serve"), {"gpu": "NVIDIA H100"}, dry=False)

    text = text_of(machine, options(tmp_path), parts_of(dry=False), {}, {})

    assert "dry run" not in text
    assert "gpu NVIDIA H100" in text


def test_the_tax_is_of_steps_at_zero_in_batches_that_both_have() -> None:
    by_part = {
        Part(parts.STEPS, OFF): steps((1, 0, 10.0), (4, 0, 12.0)),
        Part(parts.STEPS, TIERED): steps((1, 0, 11.0), (1, 3, 30.0), (16, 0, 20.0)),
        Part(parts.STEPS, NGRAM): steps((4, 0, 12.6)),
    }

    assert [tuple(row) for row in tax.rows_of(by_part)] == [
        (TIERED, OFF, 1, 11.0, 10.0),
        (NGRAM, OFF, 4, 12.6, 12.0),
    ]


def test_an_engine_without_its_unaided_twin_has_no_tax() -> None:
    assert tax.rows_of({Part(parts.STEPS, TIERED): steps((1, 0, 11.0))}) == []


@pytest.mark.parametrize(
    ("one", "other", "differing", "first_at"),
    [
        ([[1, 2, 3], [4]], [[1, 2, 3], [4]], 0, None),
        ([[1, 2, 3], [4]], [[1, 2, 9], [5]], 2, 0),
        ([[1, 2, 3]], [[1, 2]], 1, 2),
        ([[1]], [[]], 1, 0),
    ],
)
def test_differing_answers_are_counted_and_placed(
    one: list[list[int]], other: list[list[int]], differing: int, first_at: int | None
) -> None:
    flipped = {"token_ids": other, "iterations": 7, "depths": [0, 3]}

    comparison = differences({"token_ids": one}, flipped)

    assert (comparison["differing"], comparison["first_at"]) == (differing, first_at)
    assert comparison["answers"] == len(one)


def test_the_simulator_reads_the_profile(tmp_path: Path) -> None:
    cells = [(b, k, 5.0 + 0.2 * b * (k + 1) + 0.5 * k) for b in (1, 4, 16) for k in (0, 1, 3, 7)]
    by_part = {Part(parts.STEPS, TIERED): steps(*cells)}

    (path,) = profile.write(DRY, options(tmp_path), by_part)

    engine = read_profile(path)
    assert engine.max_tokens == 7
    assert "a dry run" in json.loads(path.read_text())["source"]
    assert profile.write(DRY, options(tmp_path), {}) == []


def test_a_folder_without_a_model_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"config\.json is missing: give the folder"):
        content_of(tmp_path)


def test_another_model_at_the_same_path_is_another_content(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"12")
    before = content_of(tmp_path)

    (tmp_path / "model.safetensors").write_bytes(b"123")

    assert content_of(tmp_path) != before
