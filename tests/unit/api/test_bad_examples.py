"""Each manifest in examples/bad is one of the table of bad ones, and says what will be said."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tandem_operator.cli.main import main
from tests.cluster.bad_manifests.schema import REFUSED_BY_SCHEMA
from tests.cluster.bad_manifests.stalled import STALLED

FOLDER = Path(__file__).parents[3] / "examples" / "bad"
CASES = (*REFUSED_BY_SCHEMA, *STALLED)


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.stem)
def test_an_example_says_where_it_is_wrong_and_what_is_answered(path: Path) -> None:
    text = path.read_text()
    manifest = yaml.safe_load(text)
    cases = [case for case in CASES if case.manifest(path.stem) == manifest]
    assert len(cases) == 1, "no case of bad_manifests is this manifest"
    (case,) = cases

    comment = " ".join(line[2:] for line in text.splitlines() if line.startswith("# "))
    answered = "Refused by the API server" if case.reason is None else f"reason {case.reason}"
    for words in (answered, case.field, case.remedy):
        assert words in comment


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.stem)
def test_plan_answers_an_example_with_its_sentence(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (case,) = [
        case for case in CASES if case.manifest(path.stem) == yaml.safe_load(path.read_text())
    ]

    assert main(["plan", "-f", str(path)]) == 1

    captured = capsys.readouterr()
    for words in (case.field, case.value, case.remedy):
        assert words in captured.out + captured.err


def test_there_are_examples_of_both_kinds_of_answer() -> None:
    firsts = {path.read_text().split()[1].rstrip(",") for path in FOLDER.iterdir()}

    assert firsts == {"Refused", "Stored"}
