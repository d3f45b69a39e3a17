"""What a pod serves: the locked commit and the locked files, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hack.hub.server import LocalHub
from tandem_runtime.contract import pod_lock, report
from tandem_runtime.contract.pod_lock import LockedSide, PodLock
from tandem_runtime.contract.report import LockFailure, PairReport
from tandem_runtime.contract.request import LockRequest, SourceRequest
from tandem_runtime.lock import fetch
from tests.unit.lock import builders
from tests.unit.lock_sources.jobs import Job, asked


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    with LocalHub() as running:
        yield running


@pytest.fixture
def lock_job(tmp_path: Path, hub: LocalHub) -> Job:
    return Job(tmp_path, hub.endpoint)


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
