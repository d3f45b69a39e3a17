"""Before an engine without a plugin: changed files do not start, and a table becomes tiers."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_runtime.contract import pod_lock, table
from tandem_runtime.contract.pod_lock import LockedSide, PodLock
from tandem_runtime.contract.table import Range, SpeculationTable
from tandem_runtime.start import adaptive, install

REPOSITORY = Path(__file__).parents[3]
TELL = [sys.executable, "-c", "import sys; print('\\n'.join(sys.argv[1:]))"]
LOCK = pod_lock.hashed(PodLock("Eagle", LockedSide("hf://a/b", "1", "sha256:" + "0" * 64)))


def table_of(*ranges: tuple[int, int, int], limit: int | None = None) -> SpeculationTable:
    return SpeculationTable(
        lock=LOCK.hash,
        generation=1,
        schedule=tuple(Range(*each) for each in ranges),
        max_concurrency=limit,
    )


def started(place: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """From the copy alone, as in a pod."""
    install.copy_to(place / "plugin")
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(place / "plugin"), **variables}
    return subprocess.run(
        [sys.executable, "-m", "tandem_runtime.start", *words],
        capture_output=True, text=True, timeout=60, env=env, check=False, cwd=place,
    )  # fmt: skip


def test_the_engine_gets_its_words_as_they_are(tmp_path: Path) -> None:
    done = started(tmp_path, "--", *TELL, "--model", "a b", "--", "$(X)")

    assert done.stdout.splitlines() == ["--model", "a b", "--", "$(X)"]


@pytest.mark.parametrize("changed", [False, True])
def test_files_that_changed_since_the_lock_do_not_start(tmp_path: Path, changed: bool) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_text("as locked")
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    record = {"lock": LOCK.hash, "files": {str(weights): f"sha256:{digest}"}}
    (tmp_path / "digests.json").write_text(json.dumps(record))
    if changed:
        weights.write_text("another")

    done = started(
        tmp_path,
        "--",
        *TELL,
        "serving",
        TANDEM_DIGESTS_FILE=str(tmp_path / "digests.json"),
        TANDEM_LOCK=pod_lock.render(LOCK),
    )

    assert (done.returncode != 0) == changed
    assert ("serving" in done.stdout) != changed
    assert ("was changed after it was locked" in done.stderr) == changed


def test_the_table_of_the_pod_s_lock_becomes_the_file_and_the_steps(tmp_path: Path) -> None:
    file = tmp_path / "adaptive.json"
    (tmp_path / "table.json").write_text(table.render(table_of((1, 256, 3), limit=8)))

    done = started(
        tmp_path,
        f"--adaptive={file}",
        "--initial-tokens=1",
        "--",
        *TELL,
        TANDEM_TABLE_FILE=str(tmp_path / "table.json"),
        TANDEM_LOCK=pod_lock.render(LOCK),
        TANDEM_TIERS="0,1,3,7",
    )

    assert done.stdout.splitlines() == [
        "--speculative-num-steps=3",
        "--speculative-num-draft-tokens=4",
        f"--speculative-adaptive-config={file}",
    ]
    assert json.loads(file.read_text()) == {
        "1": {"candidate_steps": [0, 1, 3, 7]},
        "9": {"candidate_steps": [0]},
    }


@pytest.mark.parametrize("text", ["", "{", None])
def test_without_a_table_that_can_be_taken_it_starts_as_the_spec_says(
    tmp_path: Path, text: str | None
) -> None:
    if text is not None:
        (tmp_path / "table.json").write_text(text)
    done = started(
        tmp_path,
        f"--adaptive={tmp_path / 'adaptive.json'}",
        "--initial-tokens=1",
        "--",
        *TELL,
        TANDEM_TABLE_FILE=str(tmp_path / "table.json"),
        TANDEM_TIERS="0,1,3",
    )

    assert done.stdout.splitlines()[0] == "--speculative-num-steps=1"
    assert "tandem:" in done.stderr


def test_a_program_that_the_image_lacks_is_said_in_a_sentence(tmp_path: Path) -> None:
    done = started(tmp_path, "--", "no-such-engine")

    assert done.returncode == 1
    assert done.stderr.startswith("tandem: no-such-engine: No such file")


SPANS = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 15)), min_size=1, max_size=6)


@given(SPANS, st.none() | st.integers(1, 300), st.sampled_from([(0, 1), (0, 1, 3), (0, 1, 3, 7)]))
def test_any_table_is_a_file_that_sglang_takes(
    spans: list[tuple[int, int]], limit: int | None, tiers: tuple[int, ...]
) -> None:
    """The steps of the start are among the candidates, and none is taken above the limit."""
    ranges, first = [], 1
    for width, tokens in spans:
        ranges.append((first, first + width - 1, tokens))
        first += width
    made = adaptive.of(table_of(*ranges, limit=limit), tiers, 1)
    slots: dict[int, list[int]] = {
        int(at): slot["candidate_steps"] for at, slot in made.slots.items()
    }

    def steps_at(batch: int) -> list[int]:
        return slots[max(at for at in slots if at <= batch)]

    assert min(slots) == 1
    assert made.steps in steps_at(1)
    assert made.steps > 0
    assert max(steps_at(1)) <= tiers[-1]
    for at, last, tokens in ranges[1:]:
        for batch in (at, last):
            off = tokens == 0 or (limit is not None and batch > limit)
            assert (steps_at(batch) == [0]) == off
