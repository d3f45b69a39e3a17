"""What the plugin does at start: the check of the locked files, an unknown vLLM."""

import hashlib
import json
import os
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tandem_runtime.plugin.digests import DigestsDifferError, check, check_or_exit
from tandem_runtime.vllm.install import copy_to
from tandem_runtime.vllm.scheduler import with_live_depth


@pytest.fixture
def pod(tmp_path: Path) -> dict[str, str]:
    """The environment of a pod whose files are as they were locked."""
    model = tmp_path / "config.json"
    model.write_text("{}")
    digest = f"sha256:{hashlib.sha256(b'{}').hexdigest()}"
    record = tmp_path / "digests.json"
    record.write_text(json.dumps({"version": 1, "lock": "ab", "files": {str(model): digest}}))
    return {"TANDEM_DIGESTS_FILE": str(record), "TANDEM_LOCK": json.dumps({"hash": "ab"})}


def test_unchanged_files_pass_and_are_hashed_once_in_a_tree_of_processes(
    pod: dict[str, str],
) -> None:
    assert check(pod)
    check_or_exit(pod)
    Path(pod["TANDEM_DIGESTS_FILE"]).unlink()
    check_or_exit(pod)


def test_an_engine_without_a_record_in_its_environment_is_not_checked() -> None:
    assert not check({})


def test_a_changed_file_ends_the_process_with_its_name(pod: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{ }")

    with pytest.raises(SystemExit, match=r"tandem: .*config.json is sha256:.*was changed"):
        check_or_exit(pod)


def test_a_file_that_is_gone_is_a_difference(pod: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "config.json").unlink()

    with pytest.raises(DigestsDifferError, match="unreadable"):
        check(pod)


@pytest.mark.parametrize(
    ("record", "message"),
    [("{", "cannot be read"), ("[]", "no JSON object"), ('{"lock": "cd"}', "records lock 'cd'"),
     ('{"lock": "ab", "files": {}}', "records no file")],
)  # fmt: skip
def test_a_bad_record_is_a_difference(pod: dict[str, str], record: str, message: str) -> None:
    Path(pod["TANDEM_DIGESTS_FILE"]).write_text(record)

    with pytest.raises(DigestsDifferError, match=message):
        check(pod)


def test_a_missing_record_is_a_difference(pod: dict[str, str]) -> None:
    Path(pod["TANDEM_DIGESTS_FILE"]).unlink()

    with pytest.raises(DigestsDifferError, match="cannot be read"):
        check(pod)


def test_an_unknown_scheduler_serves_as_it_is_and_says_disabled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TANDEM_METRICS_DIR", str(tmp_path))

    class Unknown:
        def schedule(self) -> str:
            return "scheduled"

    unknown = with_live_depth(Unknown)()

    assert unknown.schedule() == "scheduled"
    report = json.loads((tmp_path / "engine-0.json").read_text())
    assert report["mode"] == "disabled"
    assert report["reason"].startswith("UnknownScheduler: no requests")
    unknown.tandem.watcher.stop()


def test_a_copied_folder_is_a_plugin_and_needs_nothing_else(tmp_path: Path) -> None:
    copy_to(tmp_path)
    copy_to(tmp_path)

    (distribution,) = distributions(path=[str(tmp_path)])
    (entry,) = distribution.entry_points
    assert (entry.group, entry.name) == ("vllm.general_plugins", "tandem")
    module, _, function = entry.value.partition(":")
    # An unknown vLLM: there is none at all, and the plugin leaves the process as it was.
    run = subprocess.run(
        [sys.executable, "-S", "-c", f"import {module} as m; m.{function}(); print('served')"],
        env={"PYTHONPATH": str(tmp_path), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert run.stdout == "served\n"
    assert "tandem: disabled: ModuleNotFoundError" in run.stderr
