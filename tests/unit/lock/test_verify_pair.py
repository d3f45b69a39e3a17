"""`tandem verify-pair` answers with its exit status, and in words or JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tandem_operator.cli.main import main
from tests.unit.lock import builders


@pytest.fixture
def target(tmp_path: Path) -> str:
    return str(builders.write(tmp_path / "target", builders.files()))


@pytest.fixture
def longer(tmp_path: Path) -> str:
    document = builders.tokenizer()
    document["added_tokens"].append(builders.added(13, "<extra>"))
    return str(builders.write(tmp_path / "longer", builders.files(document)))


def test_an_equal_pair_is_allowed(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify-pair", target, target]) == 0
    assert capsys.readouterr().out.startswith("Compatible (Equal): allowed")


def test_the_json_has_the_report(
    target: str, longer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify-pair", longer, target, "--output", "json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["verdict"], document["reason"], document["allowed"]) == (
        "PrefixCompatible",
        "TargetExtra",
        False,
    )
    assert document["firstDifferences"] == [{"id": 13, "target": "<extra>", "draft": None}]
    for side in ("target", "draft"):
        assert document[side]["tokenizerDigest"].startswith("tokfp/v1:sha256:")
        assert {"vocabHash", "specialsHash", "encoderHash", "vocabSize", "configVocabSize"} <= set(
            document[side]
        )


def test_a_policy_allows_more(target: str, longer: str) -> None:
    assert main(["verify-pair", longer, target, "--policy", "VocabPrefix"]) == 0


def test_a_pinned_digest(target: str) -> None:
    assert main(["verify-pair", target, target, "--digest", "tokfp/v1:sha256:" + "0" * 64]) == 1


def test_a_single_file_is_a_tokenizer(target: str) -> None:
    assert main(["verify-pair", f"{target}/tokenizer.json", target]) == 0


def test_a_head_is_known_by_the_target_s_name(target: str, tmp_path: Path) -> None:
    config = {
        "architectures": ["Eagle3Speculator"],
        "speculators_model_type": "eagle3",
        "speculators_config": {"verifier": {"name_or_path": "acme/chat"}},
        "transformer_layer_config": {"model_type": "llama"},
    }
    head = builders.write(tmp_path / "head", {"config.json": json.dumps(config).encode()})
    assert main(["verify-pair", target, str(head), "--target-name", "acme/chat"]) == 0
    assert main(["verify-pair", target, str(head), "--target-name", "acme/other"]) == 1


def test_what_cannot_be_inspected_is_one_line(
    target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify-pair", target, f"{target}/nothing"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "does not exist" in captured.err


@pytest.mark.parametrize(
    "words", [[], ["only-one"], ["a", "b", "--policy", "Strict"], ["a", "b", "--output", "xml"]]
)
def test_wrong_usage_is_2(words: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["verify-pair", *words])
    assert stopped.value.code == 2
