"""The lock Job and the init container against a hub that speaks the real protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hack.hub.repository import Access
from hack.hub.server import LocalHub
from tandem_runtime.contract import pod_lock, report, request
from tandem_runtime.contract.pod_lock import LockedSide, PodLock
from tandem_runtime.contract.report import LockFailure, PairReport
from tandem_runtime.contract.request import LockRequest, SourceRequest
from tandem_runtime.lock import fetch, job
from tandem_runtime.lock.errors import CannotLookError
from tandem_runtime.lock.sources import bring
from tests.unit.lock import builders


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    with LocalHub() as running:
        yield running


class Job:
    """A lock Job that is about to run with its termination log in a folder."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.log = folder / "termination-log"
        self.environ = {"HF_ENDPOINT": endpoint, "TANDEM_TERMINATION_LOG": str(self.log)}

    def run(self, asked: LockRequest) -> int:
        return job.run({**self.environ, "TANDEM_LOCK_REQUEST": request.render(asked)})

    def report(self) -> PairReport:
        read = report.parse(self.log.read_text())
        assert isinstance(read, PairReport), read
        return read

    def failure(self) -> LockFailure:
        read = report.parse(self.log.read_text())
        assert isinstance(read, LockFailure), read
        return read


@pytest.fixture
def lock_job(tmp_path: Path, hub: LocalHub) -> Job:
    return Job(tmp_path, hub.endpoint)


def asked(target: str = "hf://acme/chat", draft: str = "hf://acme/small") -> LockRequest:
    return LockRequest(
        "DraftModel", "SameVocabulary", SourceRequest(target, "main"), SourceRequest(draft, "main")
    )


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


def test_a_request_that_is_none_is_told(lock_job: Job) -> None:
    assert job.run({**lock_job.environ, "TANDEM_LOCK_REQUEST": "{"}) == 1
    assert lock_job.failure().reason == "LockFailed"


class Pod:
    """An engine pod's init container, with the pod's paths below one folder."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.places = fetch.Places(
            models={"target": folder / "models/target", "draft": folder / "models/draft"},
            digests=folder / "state/digests.json",
            plugin=folder / "plugin",
        )
        for path in (*self.places.models.values(), folder / "state", folder / "plugin"):
            path.mkdir(parents=True)
        self.log = folder / "fetch-log"
        self.environ = {"HF_ENDPOINT": endpoint, "TANDEM_TERMINATION_LOG": str(self.log)}

    def fetch(self, lock: PodLock) -> int:
        rendered = pod_lock.render(lock)
        return fetch.run({**self.environ, "TANDEM_LOCK": rendered}, self.places)

    def failure(self) -> LockFailure:
        read = report.parse(self.log.read_text())
        assert isinstance(read, LockFailure), read
        return read


@pytest.fixture
def pod(tmp_path: Path, hub: LocalHub) -> Pod:
    return Pod(tmp_path / "pod", hub.endpoint)


def locked(pair_report: PairReport, paths: dict[str, str] | None = None) -> PodLock:
    def side(name: str, side_report: report.SideReport | None) -> LockedSide | None:
        if side_report is None:
            return None
        assert side_report.files_digest is not None
        return LockedSide(
            side_report.uri,
            side_report.revision,
            side_report.files_digest,
            side_report.tokenizer_digest,
            (paths or {}).get(name),
        )

    target = side("target", pair_report.target)
    assert target is not None
    return pod_lock.hashed(PodLock("DraftModel", target, side("draft", pair_report.draft)))


def test_a_pod_serves_the_locked_commit_even_after_the_branch_moved(
    hub: LocalHub, lock_job: Job, pod: Pod
) -> None:
    hub.commit("acme/chat", builders.files())
    hub.commit("acme/small", builders.files())
    lock_job.run(asked())
    lock = locked(lock_job.report())
    hub.commit("acme/chat", builders.files(config__json=builders.config(vocab_size=99)))
    assert pod.fetch(lock) == 0
    target = pod.places.models["target"]
    assert json.loads((target / "config.json").read_text())["vocab_size"] == 16
    assert (target / "model.safetensors").read_bytes() == builders.files()["model.safetensors"]
    recorded = json.loads(pod.places.digests.read_text())
    assert recorded["lock"] == lock.hash
    assert str(target / "tokenizer.json") in recorded["files"]
    assert all(digest.startswith("sha256:") for digest in recorded["files"].values())
    assert (pod.places.plugin / "tandem_runtime/vllm/install.py").exists()


def test_a_pod_gets_the_plugin_that_its_lock_names_or_none(
    hub: LocalHub, lock_job: Job, pod: Pod
) -> None:
    hub.commit("acme/chat", builders.files())
    lock_job.run(LockRequest("NGram", "SameVocabulary", SourceRequest("hf://acme/chat", "main")))
    lock = locked(lock_job.report())

    assert pod.fetch(replace(lock, plugin="none")) == 0
    assert list(pod.places.plugin.iterdir()) == []

    assert pod.fetch(replace(lock, plugin="of-a-later-release")) == 1
    assert "no engine plugin 'of-a-later-release', but vllm" in pod.failure().message
    assert list(pod.places.plugin.iterdir()) == []


def test_a_download_that_was_cut_is_completed_and_then_needs_no_hub(
    hub: LocalHub, lock_job: Job, pod: Pod
) -> None:
    weights = builders.safetensors(w=("F16", [50_000], bytes(100_000)))
    hub.commit("acme/chat", builders.files(model__safetensors=weights))
    source = SourceRequest("hf://acme/chat", "main")
    lock_job.run(LockRequest("NGram", "SameVocabulary", source))
    lock = locked(lock_job.report())
    hub.cut_downloads_after(30_000)
    assert pod.fetch(lock) == 1
    assert not (pod.places.models["target"] / "model.safetensors").exists()
    assert not pod.places.digests.exists()
    hub.cut_downloads_after(None)
    assert pod.fetch(lock) == 0
    assert (pod.places.models["target"] / "model.safetensors").read_bytes() == weights
    hub.requests.clear()
    assert pod.fetch(lock) == 0
    assert hub.requests == []


def test_a_shared_folder_that_lost_a_file_is_completed(
    hub: LocalHub, lock_job: Job, pod: Pod
) -> None:
    hub.commit("acme/chat", builders.files())
    source = SourceRequest("hf://acme/chat", "main")
    lock_job.run(LockRequest("NGram", "SameVocabulary", source))
    lock = locked(lock_job.report())
    assert pod.fetch(lock) == 0
    (pod.places.models["target"] / "model.safetensors").unlink()
    assert pod.fetch(lock) == 0
    assert (pod.places.models["target"] / "model.safetensors").exists()


def test_other_content_under_the_same_mount_is_refused_and_names_the_side(
    lock_job: Job, pod: Pod, tmp_path: Path
) -> None:
    folders = {
        side: builders.write(tmp_path / "claim" / side, builders.files())
        for side in ("target", "draft")
    }
    sources = {
        side: SourceRequest(f"pvc://claim/{side}", path=str(folder))
        for side, folder in folders.items()
    }
    assert (
        lock_job.run(LockRequest("DraftModel", "Exact", sources["target"], sources["draft"])) == 0
    )
    lock = locked(lock_job.report(), {side: str(path) for side, path in folders.items()})
    assert pod.fetch(lock) == 0
    (folders["draft"] / "config.json").write_text(json.dumps(builders.config(vocab_size=17)))
    assert pod.fetch(lock) == 1
    failure = pod.failure()
    assert (failure.reason, failure.side) == ("ContentChanged", "draft")


def test_weights_are_no_part_of_the_lock(lock_job: Job, pod: Pod, tmp_path: Path) -> None:
    folder = builders.write(tmp_path / "claim", builders.files())
    source = SourceRequest("pvc://claim", path=str(folder))
    lock_job.run(LockRequest("NGram", "Exact", source))
    lock = locked(lock_job.report(), {"target": str(folder)})
    (folder / "model.safetensors").write_bytes(builders.safetensors(w=("F16", [1], bytes(2))))
    (folder / "notes.txt").write_text("new")
    assert pod.fetch(lock) == 0


def test_a_pod_without_a_lock_says_so(pod: Pod) -> None:
    assert fetch.run(pod.environ, pod.places) == 1
    assert "TANDEM_LOCK" in pod.failure().message


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
    with pytest.raises(CannotLookError) as raised:
        bring.bring(SourceRequest(uri), "target", tmp_path, {})
    assert raised.value.reason == "ModelNotFound"
    assert (meant or "did you mean") in str(raised.value) or meant is None
    assert meant is not None or "did you mean" not in str(raised.value)
