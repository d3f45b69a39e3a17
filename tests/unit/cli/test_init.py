"""`tandem init`: what it writes is what `tandem plan` takes, and the lock has inspected first."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tandem_operator.api.spec import Method
from tandem_operator.cli.init import draft_depth, known_drafts
from tandem_operator.cli.init.command import devices_of, name_of
from tandem_operator.cli.main import main
from tandem_runtime.contract.model_facts import ModelFacts
from tandem_runtime.contract.report import PairReport, SideReport

PAIR = Path(__file__).parents[3] / "examples" / "tiny-pair"
TARGET, DRAFT = str(PAIR / "target"), str(PAIR / "draft")


def report(target: SideReport, draft: SideReport | None = None) -> PairReport:
    return PairReport("Compatible", "Equal", True, "", target, draft)


def test_what_it_writes_is_planned(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "chat.yaml"

    assert main(["init", TARGET, DRAFT, "--name", "chat", "--out", str(out)]) == 0

    text = out.read_text()
    manifest = yaml.safe_load(text)
    assert manifest["spec"]["speculation"] == {"method": "DraftModel", "maxTokens": 7}
    assert "# Compatible (Equal): equal tokenizers" in text
    assert "# memory of one replica: weights target 0.01 + draft 0.00 = 0.01 GiB" in text
    assert main(["plan", "-f", str(out)]) == 0
    assert "SpeculativeDeployment default/chat" in capsys.readouterr().out


def test_a_file_that_is_there_is_not_overwritten(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "chat.yaml"
    out.write_text("mine")

    assert main(["init", TARGET, DRAFT, "--out", str(out)]) == 2
    assert (out.read_text(), "is there already" in capsys.readouterr().err) == ("mine", True)


def test_without_a_draft_it_says_what_needs_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", TARGET, "-o", "yaml"]) == 0

    captured = capsys.readouterr()
    assert yaml.safe_load(captured.out)["spec"]["speculation"]["method"] == "NGram"
    assert "draft" not in yaml.safe_load(captured.out)["spec"]
    assert "NGram: copies" in captured.err


def test_of_a_pair_that_is_not_allowed_nothing_is_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for file in (PAIR / "draft").iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    tokenizer = other / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text().replace('"the"', '"teh"', 1))

    status = main(["init", TARGET, str(other)])

    captured = capsys.readouterr()
    assert (status, captured.out) == (1, "")
    assert "no manifest is written" in captured.err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--image", "not an image"], "--image: not an image is no image"),
        (["--namespace", "Not One"], '--namespace: "Not One"'),
    ],
)
def test_what_the_api_server_would_refuse_is_told_by_its_flag(
    words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", TARGET, DRAFT, *words]) == 2
    assert capsys.readouterr().err.startswith(f"tandem init: {expected}")


def test_a_secret_that_nothing_would_read_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", TARGET, DRAFT, "--secret", "hub"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("tandem init: --secret hub has no effect: it is for hf:// and s3://")
    assert TARGET in error
    assert DRAFT in error


def test_a_target_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "/no/such/folder"]) == 2
    assert capsys.readouterr().err.startswith("tandem init: target: ")


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("hf://meta-llama/Llama-3.3-70B-Instruct@main", "llama-3-3-70b-instruct"),
        ("org/3B", "model-3b"),
        ("/models/" + "a" * 60, "a" * 40),
        ("s3://bucket/x/", "x"),
    ],
)
def test_a_name_is_one_that_the_api_server_takes(target: str, name: str) -> None:
    assert name_of(target) == name


def test_devices_leave_a_third_for_the_cache() -> None:
    seventy = report(SideReport("a", weight_bytes=140 << 30), SideReport("b", weight_bytes=2 << 30))

    assert devices_of(seventy, 80) == 4
    assert devices_of(seventy, 141) == 2
    assert devices_of(seventy, None) is None
    assert devices_of(report(SideReport("a")), 80) is None


def test_the_deepest_k_is_that_of_the_files_where_they_count_it() -> None:
    modules = report(SideReport("a", facts=ModelFacts(mtp_layers=1, mtp_layers_in_files=3)))
    heads = report(SideReport("a"), SideReport("b", facts=ModelFacts(medusa_heads=4)))

    assert draft_depth.deepest(Method.MTP, modules)[0] == 3
    assert draft_depth.deepest(Method.MEDUSA, heads)[0] == 4
    assert set(Method) == set(draft_depth.DEEPEST)


def test_published_drafts_are_told_by_architecture_vocabulary_and_size() -> None:
    def drafts_of(architecture: str, rows: int, billions: float) -> list[str]:
        side = SideReport(
            "x",
            architecture=architecture,
            config_vocab_size=rows,
            parameters=int(billions * 1e9),
        )
        return known_drafts.for_target(side)

    assert "hf://yuhuili/EAGLE3-LLaMA3.3-Instruct-70B" in drafts_of(
        "LlamaForCausalLM", 128_256, 70.6
    )
    assert drafts_of("LlamaForCausalLM", 128_256, 8.03) == [
        "hf://yuhuili/EAGLE3-LLaMA3.1-Instruct-8B",
        "hf://meta-llama/Llama-3.2-1B-Instruct",
    ]
    assert drafts_of("LlamaForCausalLM", 32_000, 70) == []
    assert drafts_of("Qwen3ForCausalLM", 151_936, 0.6) == []
