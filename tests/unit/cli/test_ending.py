"""How the command ends when somebody ends it: as real processes, signalled as a terminal does."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tandem_operator.cli.main import INTERRUPTED, READER_LEFT

PAIR = Path(__file__).parents[3] / "examples" / "tiny-pair"
LIMIT_S = 120
LONG = ("--concurrency=4", "--profile=tiny-pair-cpu", "--horizon=360000", "--policy=goodput,off")


@dataclass
class Silent:
    """A server that takes connections and never answers."""

    listener: socket.socket

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def wait_for_a_client(self) -> None:
        assert select.select([self.listener], [], [], LIMIT_S)[0], "nobody connected"


@pytest.fixture
def silent() -> Iterator[Silent]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield Silent(listener)


@pytest.fixture
def kubeconfig(silent: Silent, tmp_path: Path) -> str:
    file = tmp_path / "config"
    file.write_text(f"""
apiVersion: v1
kind: Config
clusters: [{{name: a, cluster: {{server: "{silent.url}"}}}}]
contexts: [{{name: a, context: {{cluster: a, user: a}}}}]
users: [{{name: a, user: {{token: made-up}}}}]
current-context: a
""")
    return str(file)


def begun(*words: str) -> subprocess.Popen[str]:
    """A command in a process group of its own, as a shell starts it."""
    command = [sys.executable, "-m", "tandem_operator.cli.main", *words]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell that runs the tests in its background has them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def ended_by_ctrl_c(command: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Its status (as a shell shows it), output and errors; nothing of its group is left."""
    os.killpg(command.pid, signal.SIGINT)
    out, errors = command.communicate(timeout=LIMIT_S)
    left = [one for one in psutil.process_iter() if _of_group(one, command.pid)]
    assert psutil.wait_procs(left, timeout=10)[1] == []
    # Where the signal met an import, Python ends by the signal itself: a shell shows the same.
    status = command.returncode
    return (status if status >= 0 else 128 - status), out, errors


def _of_group(process: psutil.Process, group: int) -> bool:
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


@pytest.mark.parametrize(
    "words", [("status",), ("status", "--watch"), ("doctor",), ("explain", "chat")]
)
def test_ctrl_c_while_the_cluster_does_not_answer_is_one_line(
    words: tuple[str, ...], silent: Silent, kubeconfig: str
) -> None:
    command = begun(*words, "--kubeconfig", kubeconfig)
    silent.wait_for_a_client()

    assert ended_by_ctrl_c(command) == (INTERRUPTED, "", f"\ntandem {words[0]}: interrupted\n")


def test_ctrl_c_while_the_engine_does_not_answer_is_one_line(
    silent: Silent, tmp_path: Path
) -> None:
    command = begun("bench", "--endpoint", silent.url, "--out", str(tmp_path / "profile.json"))
    silent.wait_for_a_client()

    status, out, errors = ended_by_ctrl_c(command)

    assert (status, out) == (INTERRUPTED, "")
    assert errors.splitlines()[-1] == "tandem bench: interrupted"
    assert "Traceback" not in errors


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_ends_a_simulation_with_its_processes(jobs: int) -> None:
    command = begun("simulate", *LONG, f"--jobs={jobs}")
    process = psutil.Process(command.pid)
    # A pool has its processes and what tracks them; alone, numpy is there when it has computed.
    while not (len(process.children()) > jobs if jobs > 1 else process.cpu_times().user > 3):
        with pytest.raises(subprocess.TimeoutExpired):
            command.wait(timeout=0.05)

    status, out, errors = ended_by_ctrl_c(command)

    assert (status, out) == (INTERRUPTED, "")
    assert errors.splitlines()[-1] == "tandem simulate: interrupted"
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    "words",
    [
        ("completion", "bash"),
        ("verify-pair", str(PAIR / "target"), str(PAIR / "draft"), "--output", "json"),
        ("verify-pair", str(PAIR / "target"), str(PAIR / "draft")),
    ],
)
def test_a_reader_that_leaves_is_no_error(words: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "tandem_operator.cli.main", *words],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    os.close(writer)

    assert (done.returncode, done.stderr) == (READER_LEFT, "")
