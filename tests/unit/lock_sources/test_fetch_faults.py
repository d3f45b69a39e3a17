"""`tandem-fetch` as a real process that is killed, raced, out of disk, or handed other files."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hack.hub.server import LocalHub
from tandem_runtime.contract import pod_lock, report
from tandem_runtime.contract.pod_lock import LockedSide, PodLock
from tandem_runtime.contract.report import LockFailure
from tandem_runtime.lock.files import folder, folder_lock, locked_files
from tests.unit.lock import builders

WEIGHTS = builders.safetensors(w=("F16", [500_000], bytes(range(250)) * 4_000))
HELD_AFTER_BYTES = 300_000
ENDS_WITHIN_S = 60
PROGRAM = """
import os, sys
from pathlib import Path
from tandem_runtime.lock import fetch
root = Path(sys.argv[1])
models = {side: Path(sys.argv[2]) / side for side in ("target", "draft")}
sys.exit(fetch.run(os.environ, fetch.Places(models, root / "digests.json", root / "plugin")))
"""


class Pod:
    """One pod's init container: its own state, and models in a folder that others may share."""

    def __init__(self, root: Path, models: Path, endpoint: str, lock: PodLock) -> None:
        self.root, self.models = root, models
        for path in (root / "plugin", models / "target", models / "draft"):
            path.mkdir(parents=True, exist_ok=True)
        self.environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "HOME": str(root),
            "HF_ENDPOINT": endpoint,
            "TANDEM_TERMINATION_LOG": str(root / "log"),
            "TANDEM_LOCK": pod_lock.render(lock),
        }

    def start(self, before: Callable[[], None] | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(self.root), str(self.models)],
            env=self.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=before,
        )

    def run(self, before: Callable[[], None] | None = None) -> int:
        return ended(self.start(before))[0]

    @property
    def weights(self) -> Path:
        return self.models / "target" / "model.safetensors"

    @property
    def is_recorded(self) -> bool:
        return (self.root / "digests.json").exists()

    def failure(self) -> LockFailure:
        read = report.parse((self.root / "log").read_text())
        assert isinstance(read, LockFailure), read
        return read


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit status and what it said; a process that hangs is killed and fails the test."""
    try:
        _, error_text = process.communicate(timeout=ENDS_WITHIN_S)
    finally:
        process.kill()
    return process.returncode, error_text


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    with LocalHub() as running:
        yield running


@pytest.fixture
def lock(hub: LocalHub, tmp_path: Path) -> PodLock:
    """A target on the hub, locked at the head of its branch."""
    files = builders.files(model__safetensors=WEIGHTS)
    commit = hub.commit("acme/chat", files)
    seen = folder.at(builders.write(tmp_path / "seen", files))
    digest = pod_lock.files_digest(locked_files.digests(seen))
    return pod_lock.hashed(PodLock("NGram", LockedSide("hf://acme/chat", commit, digest), None))


@pytest.fixture
def new_pod(tmp_path: Path, hub: LocalHub, lock: PodLock) -> Callable[[str], Pod]:
    """Makes pods that share one folder of models."""

    def make(name: str) -> Pod:
        return Pod(tmp_path / name, tmp_path / "models", hub.endpoint, lock)

    return make


def downloads(hub: LocalHub) -> list[str]:
    """Each time that a client asked for a file's content; large files behind their redirect."""
    return [
        each.path.rsplit("/", 1)[1]
        for each in hub.requests
        if each.method == "GET" and ("/large/" in each.path or "/resolve/" in each.path)
    ]


def in_full(pod: Pod) -> bool:
    return pod.weights.read_bytes() == WEIGHTS and pod.is_recorded


def test_a_kill_in_the_middle_of_a_download_leaves_no_half_file_and_the_next_run_completes(
    hub: LocalHub, new_pod: Callable[[str], Pod]
) -> None:
    pod = new_pod("pod")
    hub.hold_downloads_after(HELD_AFTER_BYTES)
    process = pod.start()
    assert hub.holding.wait(ENDS_WITHIN_S)
    process.send_signal(signal.SIGKILL)
    assert ended(process)[0] == -signal.SIGKILL
    assert not pod.weights.exists()
    assert not pod.is_recorded

    hub.let_downloads_go()
    assert pod.run() == 0
    assert in_full(pod)


def test_two_pods_on_one_folder_both_succeed_and_bring_each_file_once(
    hub: LocalHub, new_pod: Callable[[str], Pod]
) -> None:
    first, second = new_pod("first"), new_pod("second")
    hub.hold_downloads_after(HELD_AFTER_BYTES)
    one = first.start()
    assert hub.holding.wait(ENDS_WITHIN_S)
    two = second.start()
    assert two.stderr is not None
    assert "another pod brings" in two.stderr.readline()

    hub.let_downloads_go()
    assert ended(one)[0] == 0
    assert ended(two)[0] == 0
    assert in_full(first)
    assert in_full(second)
    brought = downloads(hub)
    assert len(brought) == len(set(brought)), brought


def test_a_pod_waits_no_longer_for_another_that_was_killed(
    hub: LocalHub, new_pod: Callable[[str], Pod]
) -> None:
    first, second = new_pod("first"), new_pod("second")
    hub.hold_downloads_after(HELD_AFTER_BYTES)
    one = first.start()
    assert hub.holding.wait(ENDS_WITHIN_S)
    two = second.start()
    assert two.stderr is not None
    assert "another pod brings" in two.stderr.readline()
    one.send_signal(signal.SIGKILL)
    ended(one)

    hub.let_downloads_go()
    assert ended(two)[0] == 0
    assert in_full(second)


def test_what_serves_is_not_touched_while_another_pod_starts_on_it(
    hub: LocalHub, new_pod: Callable[[str], Pod]
) -> None:
    serving = new_pod("serving")
    assert serving.run() == 0
    before = serving.weights.stat()
    hub.requests.clear()

    assert new_pod("next").run() == 0
    after = serving.weights.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert hub.requests == []


def test_a_disk_that_is_full_is_told_with_what_to_do(
    hub: LocalHub, new_pod: Callable[[str], Pod]
) -> None:
    pod = new_pod("pod")

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (HELD_AFTER_BYTES, HELD_AFTER_BYTES))

    assert pod.run(small_files) == 1
    failure = pod.failure()
    assert (failure.reason, failure.side) == ("LockFailed", "target")
    assert "cannot be written" in failure.message
    assert "modelCache" in failure.message
    assert not pod.weights.exists()

    assert pod.run() == 0, "with room for it the same folder is completed"
    assert in_full(pod)


def test_a_cache_whose_files_were_changed_is_refused_and_says_which_folder(
    hub: LocalHub, new_pod: Callable[[str], Pod], lock: PodLock
) -> None:
    assert new_pod("first").run() == 0
    pod = new_pod("second")
    config = pod.models / "target" / "config.json"
    config.write_text(json.dumps(builders.config(num_attention_heads=8)))

    assert pod.run() == 1
    failure = pod.failure()
    assert (failure.reason, failure.side) == ("ContentChanged", "target")
    assert str(lock.target.revision) in failure.message
    assert not pod.is_recorded


def test_a_draft_that_was_replaced_after_the_lock_is_refused_and_named(
    hub: LocalHub, tmp_path: Path, lock: PodLock
) -> None:
    claim = builders.write(tmp_path / "claim", builders.files())
    digest = pod_lock.files_digest(locked_files.digests(folder.at(claim)))
    draft = LockedSide("pvc://claim/draft", digest, digest, path=str(claim))
    both = pod_lock.hashed(PodLock("DraftModel", lock.target, draft))
    (claim / "tokenizer.json").write_text(
        json.dumps(builders.tokenizer(added_tokens=[builders.added(11, "<|stop|>")]))
    )
    pod = Pod(tmp_path / "pod", tmp_path / "models", hub.endpoint, both)

    assert pod.run() == 1
    failure = pod.failure()
    assert (failure.reason, failure.side) == ("ContentChanged", "draft")
    assert "tandem.dev/refresh" in failure.message
    assert not pod.is_recorded


def test_with_no_network_left_a_complete_folder_is_enough(
    hub: LocalHub, new_pod: Callable[[str], Pod]
) -> None:
    assert new_pod("first").run() == 0
    pod = new_pod("second")
    pod.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"
    assert pod.run() == 0
    assert in_full(pod)


def test_the_folders_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), folder_lock.exclusive(tmp_path):
            raise ZeroDivisionError
