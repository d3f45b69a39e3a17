"""A record on disk is enough to find a dead run's cluster again, and never somebody else's."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from hack.cluster import state as records
from hack.cluster.ending import end, sweep
from hack.cluster.processes import start
from hack.cluster.state import Process, State, every, load, this_process


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(records, "CLUSTERS", tmp_path / "clusters")
    monkeypatch.setattr(records, "RUN", tmp_path / "run")
    monkeypatch.setattr("hack.cluster.ending.CLUSTERS", tmp_path / "clusters")


def ended_process() -> Process:
    child = subprocess.Popen(["true"])
    process = Process.of("ended", child.pid)
    child.wait()
    return process


def test_a_record_reads_back_as_it_was_written() -> None:
    state = State("one", this_process(), 3, (this_process(), Process("etcd", 1, "2"))).saved()
    assert load("one") == state
    assert every() == [state]


def test_no_record_is_no_cluster() -> None:
    assert load("absent") is None
    assert every() == []


def test_a_reused_process_id_is_not_alive() -> None:
    mine = this_process()
    assert mine.alive
    assert not Process(mine.name, mine.pid, str(int(mine.started) - 1)).alive


def test_an_ended_process_is_not_alive_though_nobody_collected_it() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not Process.of("zombie", child.pid).alive
    child.wait()


def test_a_cluster_is_wanted_as_long_as_its_owner_lives() -> None:
    assert State("kept").wanted
    assert State("mine", this_process()).wanted
    assert not State("dead", ended_process()).wanted


def test_ending_a_cluster_ends_its_processes_and_its_folder() -> None:
    state = start(State("one").saved(), "sleeper", ["sleep", "600"])
    assert load("one") == state
    assert state.running
    end(state)
    assert not state.running
    assert not state.folder.exists()


def test_a_sweep_ends_the_clusters_of_dead_owners_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    dead = start(State("dead", ended_process()).saved(), "sleeper", ["sleep", "600"])
    kept = start(State("kept", this_process()).saved(), "sleeper", ["sleep", "600"])
    sweep()
    assert every() == [kept]
    assert (dead.running, kept.running) == (False, True)
    assert "ended cluster dead" in capsys.readouterr().err
    end(kept)
