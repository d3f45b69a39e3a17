"""The demo says what it needs, and begins nothing that this machine cannot end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hack.cluster.cluster import Provider
from hack.demo import __main__ as demo
from hack.demo.environment import cluster, machine
from hack.demo.environment.needs import (
    MEMORY_GIB,
    Machine,
    Part,
    describe,
    needed_gb,
    problems,
)

TOOLS_PAGE = Path(__file__).parents[3] / "docs" / "hack.md"
BARE = Machine(
    provider=Provider.LOCAL,
    system="Linux",
    architecture="x86_64",
    root=True,
    apt_get=True,
    go=True,
    python=True,
    base_image=False,
    programs=frozenset(),
    packages=("buildah", "containerd", "debootstrap"),
    uncached=frozenset(Part),
    cache="/cache",
    disk_gb=100,
    memory_gib=16,
)
"""A Linux machine on which nothing was built yet."""
BUILT = replace(BARE, base_image=True, packages=(), uncached=frozenset())
WITH_KIND = replace(
    BUILT,
    provider=Provider.KIND,
    root=False,
    programs=frozenset({"docker", "kind", "kubectl", "helm"}),
)


@pytest.mark.parametrize(
    "able",
    [
        BARE,
        BUILT,
        replace(BUILT, apt_get=False),
        replace(BUILT, go=False),
        replace(BUILT, disk_gb=3),
        WITH_KIND,
        replace(WITH_KIND, go=False, apt_get=False),
    ],
)
def test_a_machine_that_has_what_is_still_needed_can_start(able: Machine) -> None:
    assert problems(able) == []


@pytest.mark.parametrize(
    ("having", "what", "remedy"),
    [
        ({"root": False, "packages": ()}, "needs root", "sudo make demo"),
        ({"root": False, "packages": ()}, "debootstrap", "BASE_IMAGE=NAME make demo"),
        ({"root": False}, "only root installs", "apt-get install buildah containerd debootstrap"),
        ({"apt_get": False}, "no apt-get", "your package manager"),
        ({"python": False}, "/usr/bin/python3.11 is missing", "apt-get install python3 "),
        ({"go": False}, "Go is missing", "install Go 1.25"),
        ({"disk_gb": 9.0}, "9 GB are free in /cache, and 22 are needed", "TANDEM_CACHE"),
        ({"memory_gib": 3.5}, f"3.5 GiB of memory are free, and {MEMORY_GIB}", "larger machine"),
        ({"system": "Darwin"}, "this is Darwin", "use a Linux machine"),
        ({"architecture": "aarch64"}, "this is aarch64", "built for x86_64"),
        ({"provider": Provider.CURRENT}, "CLUSTER=current", "docs/first-15-minutes.md"),
        ({"provider": Provider.KIND}, "kubectl is missing", "install it"),
    ],
)
def test_what_is_missing_is_told_with_the_remedy(
    having: Mapping[str, Any], what: str, remedy: str
) -> None:
    assert [each for each in problems(replace(BARE, **having)) if what in each and remedy in each]


def test_a_machine_without_root_and_without_docker_is_told_both_ways_out() -> None:
    (problem,) = problems(replace(BUILT, root=False))

    assert "sudo make demo" in problem
    assert "CLUSTER=kind" in problem


def test_only_what_is_not_kept_yet_counts() -> None:
    half = replace(BARE, uncached=frozenset({Part.IMAGES, Part.MODELS}))

    assert "to build  about 5 minutes on 2 cores, once: the images 4, the models 1" in describe(
        half, 1
    )
    assert "to build  nothing" in describe(BUILT, 1)
    assert needed_gb(BUILT) < needed_gb(half) < needed_gb(BARE)


def test_the_minutes_are_those_of_the_page_about_the_tools() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| ([^|]*) \|$", TOOLS_PAGE.read_text(), re.MULTILINE))

    for row, part in (
        ("cluster", Part.KUBERNETES),
        ("images", Part.IMAGES),
        ("vllm", Part.ENVIRONMENT),
    ):
        assert f"{part.minutes} minutes" in rows[row]


def test_nothing_is_built_where_something_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine, "detect", lambda: replace(BARE, python=False, disk_gb=1))
    monkeypatch.setattr("sys.argv", ["demo"])
    monkeypatch.setattr(cluster, "engine_environment", lambda: pytest.fail("it began to build"))

    assert demo.main() == 1

    captured = capsys.readouterr()
    assert captured.out.startswith("The demo needs:\n")
    assert "nothing was built" in captured.err
    assert captured.err.count("\n  - ") == 2


def test_help_starts_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["demo", "--help"])
    monkeypatch.setattr(machine, "detect", lambda: pytest.fail("it began"))

    with pytest.raises(SystemExit) as ended:
        demo.main()

    assert ended.value.code == 0
    assert "--check" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "environ", "expected"),
    [
        (["--engine", "sglang"], {}, "engine sglang: the demo serves vllm or torch"),
        ([], {"ENGINE": "sglang"}, "engine sglang: the demo serves vllm or torch"),
        (["--check"], {"CLUSTER": "minikube"}, "CLUSTER=minikube: give one of"),
    ],
)
def test_a_word_that_means_nothing_is_refused_at_once(
    words: list[str],
    environ: Mapping[str, str],
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.argv", ["demo", *words])
    monkeypatch.setattr(cluster, "engine_environment", lambda: pytest.fail("it began to build"))

    assert demo.main() == 1
    assert expected in capsys.readouterr().err
