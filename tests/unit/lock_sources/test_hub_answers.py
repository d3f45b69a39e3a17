"""What a hub answers beside files: moves, refusals, passing troubles, pages for people."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hack.hub.server import LocalHub
from tandem_runtime.lock.pair import SideError
from tandem_runtime.lock.sources.hub import retry
from tests.unit.lock import builders
from tests.unit.lock_sources.hub_pairs import inspect


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    with LocalHub() as running:
        yield running


def test_a_renamed_repository_is_followed(hub: LocalHub) -> None:
    commit = hub.commit("acme/chat", builders.files())
    hub.rename("acme/chat", "acme/talk")
    assert inspect(hub, "hf://acme/chat").target.revision == commit


@pytest.mark.parametrize("after", [0, 1, 3])
@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        (401, "AccessDenied", "set HF_TOKEN in the environment"),
        (403, "AccessDenied", "403"),
        (404, "ModelNotFound", "does not exist"),
        (429, "LockFailed", "in 60 s"),
        (503, "LockFailed", "503"),
    ],
)
def test_what_a_hub_answers_at_any_request_is_told(
    hub: LocalHub,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    reason: str,
    expected: str,
    after: int,
) -> None:
    monkeypatch.setattr(retry, "WAITS_S", (0.0, 0.0))
    hub.commit("acme/chat", builders.files())
    hub.fail(status, 100, {"Retry-After": "60"} if status == 429 else None, after=after)
    with pytest.raises(SideError) as raised:
        inspect(hub, "hf://acme/chat")
    assert raised.value.cause.reason == reason
    assert expected in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_passes_is_waited_for(
    hub: LocalHub, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(retry, "WAITS_S", (0.0, 0.0))
    hub.commit("acme/chat", builders.files())
    hub.fail(status, 2, {"Retry-After": "0"}, after=1)
    assert inspect(hub, "hf://acme/chat").verdict == "Compatible"


def test_a_page_for_people_is_no_hub(hub: LocalHub) -> None:
    hub.commit("acme/chat", builders.files())
    hub.fail(200, 100)
    with pytest.raises(SideError, match="not as a hub") as raised:
        inspect(hub, "hf://acme/chat")
    assert raised.value.cause.reason == "LockFailed"
