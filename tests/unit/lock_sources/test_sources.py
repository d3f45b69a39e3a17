"""The lock Job and the init container against a hub that speaks the real protocol."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.hub.repository import Access
from hack.hub.server import LocalHub
from tandem_runtime.contract.request import LockRequest, SourceRequest
from tandem_runtime.lock import job
from tandem_runtime.lock.errors import CannotInspectError
from tandem_runtime.lock.sources import fetch
from tests.unit.lock import builders
from tests.unit.lock_sources.jobs import Job, asked


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    with LocalHub() as running:
        yield running


@pytest.fixture
def lock_job(tmp_path: Path, hub: LocalHub) -> Job:
    return Job(tmp_path, hub.endpoint)


def test_a_pair_on_the_hub_is_resolved_to_commits_and_judged(hub: LocalHub, lock_job: Job) -> None:
    target = hub.commit("acme/chat", builders.files())
    draft = hub.commit("acme/small", builders.files())
    assert lock_job.run(asked()) == 0
    pair_report = lock_job.report()
    assert (pair_report.verdict, pair_report.reason, pair_report.allowed) == (
        "Compatible",
        "Equal",
        True,
    )
    assert pair_report.draft is not None
    assert (pair_report.target.revision, pair_report.draft.revision) == (target, draft)
    assert pair_report.target.immutable


def test_a_wrong_pair_is_a_report_and_not_a_failure(hub: LocalHub, lock_job: Job) -> None:
    hub.commit("acme/chat", builders.files())
    swapped = builders.tokenizer()
    vocabulary = swapped["model"]["vocab"]
    vocabulary["ab"], vocabulary["cd"] = vocabulary["cd"], vocabulary["ab"]
    hub.commit("acme/small", builders.files(swapped))
    assert lock_job.run(asked()) == 0
    pair_report = lock_job.report()
    assert (pair_report.verdict, pair_report.reason, pair_report.allowed) == (
        "Incompatible",
        "IdsDiffer",
        False,
    )
    assert [(each.id, each.target, each.draft) for each in pair_report.first_differences] == [
        (6, "ab", "cd"),
        (7, "cd", "ab"),
    ]


def test_an_unknown_repository_asks_for_name_or_token(hub: LocalHub, lock_job: Job) -> None:
    hub.commit("acme/chat", builders.files())
    assert lock_job.run(asked()) == 3
    failure = lock_job.failure()
    assert (failure.reason, failure.side) == ("AccessDenied", "draft")
    assert "secretName" in failure.message


def test_with_a_token_an_unknown_repository_does_not_exist(hub: LocalHub, lock_job: Job) -> None:
    hub.commit("acme/chat", builders.files())
    lock_job.environ["HF_TOKEN"] = "known"
    assert lock_job.run(asked()) == 3
    assert lock_job.failure().reason == "ModelNotFound"


def test_an_unknown_revision_does_not_exist(hub: LocalHub, lock_job: Job) -> None:
    hub.commit("acme/chat", builders.files())
    source = SourceRequest("hf://acme/chat", "v9")
    assert lock_job.run(LockRequest("NGram", "SameVocabulary", source)) == 3
    failure = lock_job.failure()
    assert (failure.reason, failure.side) == ("ModelNotFound", "target")
    assert "'v9'" in failure.message


def test_each_side_has_its_own_secret(hub: LocalHub, lock_job: Job) -> None:
    hub.commit("acme/chat", builders.files(), access=Access.PRIVATE, tokens=["one"])
    hub.commit("acme/small", builders.files(), access=Access.PRIVATE, tokens=["two"])
    lock_job.environ |= {"TARGET_HF_TOKEN": "one", "DRAFT_HF_TOKEN": "two"}
    assert lock_job.run(asked()) == 0
    assert {(each.path.split("/")[-1], each.token) for each in hub.requests} >= {
        ("config.json", "one"),
        ("config.json", "two"),
    }


@pytest.mark.parametrize("token", [None, "known"])
def test_a_gated_repository_names_the_terms(
    hub: LocalHub, lock_job: Job, token: str | None
) -> None:
    hub.commit("acme/chat", builders.files(), access=Access.GATED, tokens=["known"])
    if token is not None:
        lock_job.environ["HF_TOKEN"] = token
    source = SourceRequest("hf://acme/chat", "main")
    assert lock_job.run(LockRequest("NGram", "SameVocabulary", source)) == 3
    failure = lock_job.failure()
    assert failure.reason == "AccessDenied"
    assert "accept the model's terms" in failure.message


def test_a_hub_that_is_down_can_be_asked_again(hub: LocalHub, lock_job: Job) -> None:
    hub.commit("acme/chat", builders.files())
    hub.fail(500, 100)
    source = SourceRequest("hf://acme/chat", "main")
    assert lock_job.run(LockRequest("NGram", "SameVocabulary", source)) == 1
    assert lock_job.failure().reason == "LockFailed"


def test_a_missing_mount_is_told(lock_job: Job, tmp_path: Path) -> None:
    source = SourceRequest("pvc://claim/chat", path=str(tmp_path / "nothing"))
    assert lock_job.run(LockRequest("NGram", "SameVocabulary", source)) == 3
    failure = lock_job.failure()
    assert (failure.reason, failure.side) == ("ModelNotFound", "target")


def test_a_folder_without_a_file_is_no_model(lock_job: Job, tmp_path: Path) -> None:
    (tmp_path / "models" / "chat").mkdir(parents=True)
    source = SourceRequest("pvc://models", path=str(tmp_path / "models"))
    assert lock_job.run(LockRequest("NGram", "SameVocabulary", source)) == 3
    failure = lock_job.failure()
    assert (failure.reason, failure.side) == ("ModelNotFound", "target")
    assert "holds no file, only chat" in failure.message


def test_a_request_that_is_none_is_told(lock_job: Job) -> None:
    assert job.run({**lock_job.environ, "TANDEM_LOCK_REQUEST": "{"}) == 1
    assert lock_job.failure().reason == "LockFailed"


@pytest.mark.parametrize(
    ("uri", "meant"),
    [
        ("acme/chat", "did you mean hf://acme/chat?"),
        ("acme/chat-8B.v1_2", "did you mean hf://acme/chat-8B.v1_2?"),
        ("./acme/chat", None),
        ("/models/chat", None),
        ("chat", None),
        ("a/b/c", None),
    ],
)
def test_the_name_of_a_hub_s_model_without_its_scheme_is_known(
    tmp_path: Path, uri: str, meant: str | None
) -> None:
    with pytest.raises(CannotInspectError) as raised:
        fetch.fetch(SourceRequest(uri), "target", tmp_path, {})
    assert raised.value.reason == "ModelNotFound"
    assert (meant or "did you mean") in str(raised.value) or meant is None
    assert meant is not None or "did you mean" not in str(raised.value)
