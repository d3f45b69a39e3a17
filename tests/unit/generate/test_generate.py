"""`python -m hack.generate` writes every generated file, and `--check` finds the stale ones."""

from pathlib import Path

import pytest
import yaml

from hack.generate.__main__ import ROOT, main
from hack.generate.files import FILES


def test_without_arguments_every_file_is_written(tmp_path: Path) -> None:
    assert main([], tmp_path) == 0

    assert {path: (tmp_path / path).read_text() for path in FILES} == {
        path: render() for path, render in FILES.items()
    }


def test_the_chart_carries_the_crd(tmp_path: Path) -> None:
    main([], tmp_path)

    crd = (tmp_path / "crds" / "tandem.dev_speculativedeployments.yaml").read_bytes()
    assert (tmp_path / "charts" / "tandem" / "files" / "crd.yaml").read_bytes() == crd


def test_check_of_fresh_files_says_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([], tmp_path)
    capsys.readouterr()

    assert main(["--check"], tmp_path) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("path", FILES)
def test_check_names_a_stale_file_and_the_remedy_and_writes_nothing(
    path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([], tmp_path)
    (tmp_path / path).write_text("older\n")
    capsys.readouterr()

    assert main(["--check"], tmp_path) == 1
    assert capsys.readouterr().err == f"{path} is stale: run `python -m hack.generate`\n"
    assert (tmp_path / path).read_text() == "older\n"


def test_check_names_absent_files_and_makes_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check"], tmp_path) == 1

    error_text = capsys.readouterr().err
    assert [line.split()[0] for line in error_text.splitlines()] == [*FILES]
    assert list(tmp_path.iterdir()) == []


def test_the_manifests_without_helm_carry_the_same_crd() -> None:
    """The cheap half of `make manifests`, which needs helm: the CRD is what changes most."""
    rendered = yaml.safe_load_all((ROOT / "deploy" / "base" / "install.yaml").read_text())
    (carried,) = (each for each in rendered if each["kind"] == "CustomResourceDefinition")
    crd = yaml.safe_load((ROOT / "charts" / "tandem" / "files" / "crd.yaml").read_text())

    assert carried["spec"] == crd["spec"], "run `make manifests`"


def test_what_is_committed_is_fresh() -> None:
    assert main(["--check"], ROOT) == 0
