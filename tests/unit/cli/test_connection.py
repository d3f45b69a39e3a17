"""Whatever keeps a command from reading is one line on standard error, and exit status 2."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.builders import resource
from tests.unit.cli.conftest import Tandem
from tests.unit.cli.fake_api import FakeApi, kubeconfig

VERBS = pytest.mark.parametrize(
    "words", [("status", "chat"), ("status",), ("explain", "chat")], ids=" ".join
)
BY_NAME = pytest.mark.parametrize("verb", ["status", "explain"])


def problem(tandem: Tandem, *words: str) -> str:
    """The one line that the command answers with."""
    done = tandem(*words)
    assert done.status == 2
    assert done.out == ""
    [line] = done.err.splitlines()
    assert line.startswith(f"tandem {words[0]}: ")
    return line


@VERBS
def test_no_kubeconfig(words: tuple[str, ...], tandem: Tandem, tmp_path: Path) -> None:
    absent = tmp_path / "absent"

    line = problem(tandem, *words, "--kubeconfig", str(absent))

    assert f"there is no kubeconfig {absent}: name one with --kubeconfig or $KUBECONFIG" in line


@pytest.mark.parametrize("text", ["", "{", "- a list", "contexts: []\n"])
def test_a_kubeconfig_that_is_none(text: str, tandem: Tandem, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text(text)

    assert f"kubeconfig {broken} cannot be used" in problem(
        tandem, "status", "--kubeconfig", str(broken)
    )


def test_an_unknown_context(tandem: Tandem) -> None:
    assert "other" in problem(tandem, "status", "--context", "other")


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of loopback that refuses, because it is bound and nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        yield listener.getsockname()[1]


@VERBS
def test_an_api_server_that_does_not_answer(
    words: tuple[str, ...], tandem: Tandem, tmp_path: Path, closed_port: int
) -> None:
    url = f"http://127.0.0.1:{closed_port}"
    path = kubeconfig(tmp_path, url, "shop")

    line = problem(tandem, *words, "--kubeconfig", str(path))

    assert f"the API server {url} does not answer" in line
    assert "Connection refused" in line


def test_an_api_server_that_cannot_be_trusted(api: FakeApi, tandem: Tandem, tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, f"https://127.0.0.1:{api.port}", "shop")

    line = problem(tandem, "status", "--kubeconfig", str(path))

    assert f"no trusted connection to the API server https://127.0.0.1:{api.port}" in line


@VERBS
def test_a_cluster_without_the_crd(words: tuple[str, ...], api: FakeApi, tandem: Tandem) -> None:
    api.crd_installed = False

    line = problem(tandem, *words)

    assert "serves no speculativedeployments.tandem.dev v1alpha1: install Tandem's CRD" in line


@BY_NAME
def test_a_name_that_is_not_there_suggests_the_nearest(
    verb: str, api: FakeApi, tandem: Tandem
) -> None:
    api.resources = [resource("chat"), resource("summaries"), resource("chap", "lab")]

    line = problem(tandem, verb, "chatt")

    assert line.endswith("no SpeculativeDeployment chatt in namespace shop: did you mean chat?")


@BY_NAME
def test_a_name_like_no_other_lists_what_is_there(verb: str, api: FakeApi, tandem: Tandem) -> None:
    api.resources = [resource("summaries"), resource("chat")]

    assert problem(tandem, verb, "xyz").endswith("there are chat, summaries")


@BY_NAME
def test_an_empty_namespace_says_so(verb: str, tandem: Tandem) -> None:
    assert problem(tandem, verb, "chat", "-n", "lab").endswith(
        "no SpeculativeDeployment chat in namespace lab: there is none at all, name another with -n"
    )


@VERBS
def test_missing_rights_are_told_in_the_words_of_the_api_server(
    words: tuple[str, ...], api: FakeApi, tandem: Tandem
) -> None:
    api.refusal = (403, 'User "x" cannot list resource "speculativedeployments"')

    assert 'forbids it: User "x" cannot list' in problem(tandem, *words)


def test_refused_credentials(api: FakeApi, tandem: Tandem) -> None:
    api.refusal = (401, "Unauthorized")

    assert "does not accept these credentials" in problem(tandem, "status")


def test_an_api_server_in_trouble_is_asked_once(api: FakeApi, tandem: Tandem) -> None:
    api.refusal = (500, "etcdserver: request timed out")

    assert "answered 500: etcdserver: request timed out" in problem(tandem, "status")
    assert len(api.asked) == 1
