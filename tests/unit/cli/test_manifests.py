"""Files of manifests are read as kubectl reads them: documents, lists, YAML of its own kind."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from tandem_operator.cli.main import main
from tandem_operator.cli.plan import manifests
from tandem_operator.cli.plan.manifests import ManifestError
from tests.unit.cli.files import HEAD, resource, written


def scalar(text: str, folder: Path) -> Any:
    (value,) = manifests.read(written(folder, f"{HEAD}value: {text}\n"))
    return value.object["value"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("1:30", "1:30"),
        ("1e1", 10),
        ("3.0", 3),
        ("2.5", 2.5),
        ("010", 8),
        ("0o11", 9),
        ("0x10", 16),
        ("08", 8),
        ("y", True),
        ("off", False),
        ("yellow", "yellow"),
        ("~", None),
        ("=", "="),
        ("'5'", "5"),
        ("{1: a, no: b}", {"1": "a", "false": "b"}),
    ],
)
def test_scalars_are_what_kubectl_makes_of_them(text: str, value: Any, tmp_path: Path) -> None:
    parsed = scalar(text, tmp_path)

    assert (parsed, type(parsed)) == (value, type(value))


def test_documents_lists_and_lists_in_lists_are_all_found(tmp_path: Path) -> None:
    inner = "\n".join("      " + line for line in resource("third").splitlines())
    items = f"- kind: List\n  items:\n    -\n{inner}\n- {{kind: Secret}}"
    text = (
        f"{resource('first')}---\n---\n{resource('second')}---\napiVersion: v1\nkind: List\n"
        f"items:\n{items}\n"
    )

    read = manifests.read(written(tmp_path, text))

    assert [each.place for each in read] == ["first", "second", "third"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- a\n- b\n", 'holds ["a", "b"], which is no resource'),
        ("kind: SpeculativeDeploymnet\n", "did you mean SpeculativeDeployment?"),
        ("kind: List\nitems: []\n", "it is empty"),
        ("a: &a [*a]\n", "is not YAML"),
        (
            "kind: A\nb: {c: 1}\nkind: B\n",
            "line 3, column 1: the key kind stands in line 1 already",
        ),
        ("a:\n- {b: 1, b: 2}\n", "the key b stands in line 2 already"),
        ("a: [1\n", "is not YAML: line 2, column 1: while parsing a flow sequence, expected"),
        ('a: "\\ud800"\n', "is not YAML"),
    ],
)
def test_what_is_no_manifest_is_told(text: str, expected: str, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r".") as problem:
        manifests.read(written(tmp_path, text))

    assert expected in str(problem.value)


def test_what_cannot_be_read_is_told_in_one_line(tmp_path: Path) -> None:
    utf_16 = tmp_path / "utf-16.yaml"
    utf_16.write_text(resource("chat"), encoding="utf-16")
    for place, expected in (
        (tmp_path / "none.yaml", "cannot be read: No such file or directory"),
        (tmp_path, "cannot be read: Is a directory"),
        (utf_16, "cannot be read: it is not text in UTF-8"),
    ):
        with pytest.raises(ManifestError) as problem:
            manifests.read(str(place))
        assert str(problem.value).startswith(f"{place} {expected}")


def test_every_file_is_judged_and_the_worst_is_the_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = written(tmp_path, resource("good"), "good.yaml")
    bad = written(tmp_path, resource("bad").replace("NGram", "DraftModel"), "bad.yaml")

    assert main(["plan", "-f", bad, "-f", good]) == 1
    captured = capsys.readouterr()
    assert "SpeculativeDeployment default/good" in captured.out
    assert f"{bad}: bad: spec.draft: draft is required" in captured.err
    assert main(["plan", "-f", "none.yaml", "-f", good]) == 2
    assert "SpeculativeDeployment default/good" in capsys.readouterr().out


def test_each_resource_of_a_list_is_named_in_what_is_said_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"{resource('one')}---\n{resource('two').replace('NGram', 'Telepathy')}"

    assert main(["plan", "-f", written(tmp_path, text)]) == 1
    captured = capsys.readouterr()
    assert "default/one" in captured.out
    assert ': two: spec.speculation.method: "Telepathy"' in captured.err


def test_standard_input_is_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(resource("chat")))

    assert main(["plan", "-f", "-"]) == 0
    assert "default/chat" in capsys.readouterr().out


def test_another_namespace_than_the_manifest_names_is_refused_as_by_kubectl(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, resource("chat", ", namespace: serving"))

    assert main(["plan", "-f", path, "-n", "other"]) == 1
    assert "metadata.namespace is serving and -n says other" in capsys.readouterr().err
    assert main(["plan", "-f", path, "-n", "serving"]) == 0
    assert main(["plan", "-f", path]) == 0
    assert "SpeculativeDeployment serving/chat" in capsys.readouterr().out


def test_a_key_that_a_merge_brings_may_be_set_again(tmp_path: Path) -> None:
    written = tmp_path / "m.yaml"
    written.write_text(
        "a: &a {kind: P}\nb: &b {<<: *a, kind: Q}\nc: {<<: *b, kind: R}\n"
        "kind: SpeculativeDeployment\nd: {e: {<<: *b}}\n"
    )
    (found,) = manifests.read(str(written))
    assert (found.object["b"], found.object["c"], found.object["d"]["e"]) == (
        {"kind": "Q"},
        {"kind": "R"},
        {"kind": "Q"},
    )
