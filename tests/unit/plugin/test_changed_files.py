"""The same path with other content never serves: not at a pod's start, nor when `main` restarts.

`tandem-fetch` and the plugin run as the processes that they are in a pod; between them the claim
changes under their feet.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tandem_runtime.contract import pod_lock, report
from tandem_runtime.contract.pod_lock import LockedSide, PodLock
from tandem_runtime.contract.report import LockFailure
from tandem_runtime.lock.files import folder, locked_files

ENDS_WITHIN_S = 60
FETCH = """
import os, sys
from pathlib import Path
from tandem_runtime.lock import fetch
root = Path(sys.argv[1])
models = {side: root / side for side in ("target", "draft")}
places = fetch.Places(models, root / "digests.json", root / "plugin")
sys.exit(fetch.run(os.environ, places))
"""
ENGINE = """
from tandem_runtime.plugin.digests import check_or_exit
check_or_exit()
print("the model loads")
"""
"""What the plugin does in vLLM's first process before anything else."""


@dataclass
class Pod:
    """One pod over a claim with a folder a side."""

    root: Path
    lock: PodLock

    def fetch(self) -> int:
        return self._run(FETCH, [str(self.root)], os.pathsep.join(filter(None, sys.path)))[0]

    def start_main(self) -> tuple[int, str]:
        """Exit status and output of the engine's container, which has the copied plugin alone."""
        return self._run(ENGINE, [], str(self.root / "plugin"))

    def failure(self) -> LockFailure:
        read = report.parse(self.log.read_text())
        assert isinstance(read, LockFailure), read
        return read

    @property
    def log(self) -> Path:
        return self.root / "log"

    def _run(self, program: str, words: list[str], path: str) -> tuple[int, str]:
        self.log.write_text("")  # as the kubelet does before each start
        done = subprocess.run(
            [sys.executable, "-c", program, *words],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": path,
                "TANDEM_LOCK": pod_lock.render(self.lock),
                "TANDEM_DIGESTS_FILE": str(self.root / "digests.json"),
                "TANDEM_TERMINATION_LOG": str(self.log),
            },
            capture_output=True,
            text=True,
            timeout=ENDS_WITHIN_S,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def claim(tmp_path: Path) -> Path:
    root = tmp_path / "claim"
    for side in ("target", "draft"):
        (root / side).mkdir(parents=True)
        (root / side / "config.json").write_text(json.dumps({"hidden_size": 8}))
        (root / side / "tokenizer.json").write_text(json.dumps({"model": {}}))
    return root


@pytest.fixture
def pod(tmp_path: Path, claim: Path) -> Pod:
    def side(name: str) -> LockedSide:
        digest = pod_lock.files_digest(locked_files.digests(folder.at(claim / name)))
        return LockedSide(f"pvc://models/{name}", digest, digest, path=str(claim / name))

    (tmp_path / "plugin").mkdir()
    return Pod(tmp_path, pod_lock.hashed(PodLock("DraftModel", side("target"), side("draft"))))


def test_what_was_locked_serves_and_serves_again_after_a_restart_of_main(pod: Pod) -> None:
    assert pod.fetch() == 0
    for _ in range(2):
        status, message = pod.start_main()
        assert status == 0, message
        assert "the model loads" in message


@pytest.mark.parametrize("side", ["target", "draft"])
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_a_restart_of_main_alone_finds_what_changed_and_names_the_side(
    pod: Pod, claim: Path, side: str, name: str
) -> None:
    assert pod.fetch() == 0
    (claim / side / name).write_text("{}")

    status, message = pod.start_main()
    assert status == 1
    assert "the model loads" not in message
    failure = pod.failure()
    assert (failure.reason, failure.side) == ("ContentChanged", side)
    assert str(claim / side / name) in failure.message


@pytest.mark.parametrize("side", ["target", "draft"])
def test_a_new_pod_on_what_changed_does_not_start(pod: Pod, claim: Path, side: str) -> None:
    (claim / side / "config.json").write_text("{}")

    assert pod.fetch() == 1
    failure = pod.failure()
    assert (failure.reason, failure.side) == ("ContentChanged", side)
    assert not (pod.root / "digests.json").exists()

    status, message = pod.start_main()
    assert status == 1, "without a record of digests nothing is served either"
    assert "the model loads" not in message


def test_what_is_put_back_serves_again(pod: Pod, claim: Path) -> None:
    assert pod.fetch() == 0
    config = claim / "draft" / "config.json"
    before = config.read_text()
    config.write_text("{}")
    assert pod.start_main()[0] == 1
    config.write_text(before)
    assert pod.start_main()[0] == 0


def test_where_no_kubelet_made_a_log_the_output_alone_has_the_reason(pod: Pod, claim: Path) -> None:
    assert pod.fetch() == 0
    (claim / "draft" / "config.json").write_text("{}")
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(pod.root / "plugin"),
        "TANDEM_DIGESTS_FILE": str(pod.root / "digests.json"),
        "TANDEM_TERMINATION_LOG": str(pod.root / "nothing"),
    }
    done = subprocess.run(
        [sys.executable, "-c", ENGINE], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "tandem: " in done.stderr
    assert not (pod.root / "nothing").exists()
