"""The whole command and the lock Job on hostile folders: a reason, in time, memory and the folder.

Each runs as a process whose address space is limited, and which tells of each file that it opens.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tandem_runtime.contract import report
from tandem_runtime.contract.report import PairReport
from tests.unit.lock import builders
from tests.unit.lock_process import measured
from tests.unit.lock_process.measured import Took

MOST_CPU_S = 10.0
MOST_BYTES = 1 << 30
MIB = 1 << 20
NAME = "tokenizer.json"
Make = Callable[[Path], None]


def holding(content: bytes, name: str = NAME) -> Make:
    """A file with this content."""

    def make(path: Path) -> None:
        (path / name).write_bytes(content)

    return make


def repeated(unit: bytes, count: int, name: str = NAME) -> Make:
    """A file too large to be made in one piece."""

    def make(path: Path) -> None:
        with (path / name).open("wb") as file:
            for _ in range(count):
                file.write(unit)

    return make


def hollow(size_bytes: int, name: str) -> Make:
    """A file that claims a size without taking any room."""

    def make(path: Path) -> None:
        with (path / name).open("wb") as file:
            file.truncate(size_bytes)

    return make


def link(to: str, name: str = NAME) -> Make:
    """A link in place of a file."""

    def make(path: Path) -> None:
        (path / name).unlink()
        (path / name).symlink_to(to)

    return make


def pipe(name: str = NAME) -> Make:
    """A pipe that nobody writes into."""

    def make(path: Path) -> None:
        (path / name).unlink(missing_ok=True)
        os.mkfifo(path / name)

    return make


def rows(count: int) -> bytes:
    return b",".join(b'{"id":%d,"content":"%d"}' % (index, index) for index in range(count))


TEXT = json.dumps(builders.tokenizer()).encode()
HOSTILE: dict[str, tuple[str, Make]] = {
    "corrupt": ("Malformed", holding(bytes(range(256)) * 64)),
    "truncated": ("Malformed", holding(TEXT[: len(TEXT) // 2])),
    "200 MiB of nesting": ("TooLarge", repeated(b"[" * MIB, 200)),
    "200 MiB of nesting in the configuration": (
        "TooLarge",
        repeated(b'{"a":' * MIB, 40, "tokenizer_config.json"),
    ),
    "nesting within the limits": ("Malformed", holding(b'{"a":' * 1_000_000)),
    "nesting in the merges": (
        "Malformed",
        holding(b'{"model":{"vocab":{"a":1},"merges":' + b"[" * 700_000 + b"]" * 700_000 + b"}}"),
    ),
    "duplicate keys": ("Malformed", holding(b'{"model":{"vocab":{"a":1,"a":2},"merges":[]}}')),
    "duplicate keys in the configuration": ("Malformed", holding(b'{"a":1,"a":2}', "config.json")),
    "NaN": ("Malformed", holding(b'{"model":{"vocab":{"a":NaN},"merges":[]}}')),
    "no UTF-8": ("Malformed", holding(b'{"model":{"vocab":{"\xff":1},"merges":[]}}')),
    "a link out": ("SymlinkEscape", link("../secret")),
    "an absolute link out": ("SymlinkEscape", link("/proc/self/environ")),
    "a link to a device": ("SymlinkEscape", link("/dev/zero")),
    "a link in a loop": ("SymlinkEscape", link(NAME)),
    "a pipe": ("Malformed", pipe()),
    "a pipe that is only hashed": ("Malformed", pipe("params.json")),
    "an id of 4294967290": (
        "Malformed",
        holding(b'{"model":{"vocab":{"a":4294967290},"merges":[]}}'),
    ),
    "an added id of 4294967290": (
        "Malformed",
        holding(
            b'{"added_tokens":[{"id":4294967290,"content":"b"}],'
            b'"model":{"vocab":{"a":1},"merges":[]}}'
        ),
    ),
    "millions of added tokens": (
        "TooLarge",
        lambda path: holding(
            b'{"model":{"vocab":{"a":1},"merges":[]},"added_tokens":[' + rows(2_000_000) + b"]}"
        )(path),
    ),
    "hundreds of thousands of added tokens": (
        "TooLarge",
        lambda path: holding(
            b'{"model":{"vocab":{"a":0},"merges":[]},"added_tokens":[' + rows(300_000) + b"]}"
        )(path),
    ),
    "a tokenizer of a tebibyte": ("TooLarge", hollow(1 << 40, NAME)),
    "a hashed file of a tebibyte": ("TooLarge", hollow(1 << 40, "params.json")),
    "one wide character among 60 MiB": (
        "Malformed",
        lambda path: holding(b'{"a":"' + b"x" * (60 * MIB) + '😀"}'.encode())(path),
    ),
    "code that exits": ("RemoteCode", holding(b"raise SystemExit(0)", "modeling_x.py")),
}


@pytest.fixture
def room(tmp_path: Path) -> Path:
    builders.write(tmp_path / "good", builders.files())
    (tmp_path / "secret").write_bytes(TEXT)
    return tmp_path


@pytest.fixture
def hostile(room: Path, request: pytest.FixtureRequest) -> Path:
    path = builders.write(room / "hostile", builders.files())
    HOSTILE[request.param][1](path)
    return path


def in_bounds(took: Took, room: Path) -> None:
    """Little time and memory, no traceback, and no file opened beside the two models'."""
    assert took.cpu_s < MOST_CPU_S
    assert took.peak_bytes < MOST_BYTES
    assert took.err == ""
    outside = [
        path
        for path in took.opened
        if path.is_relative_to(room) and path.parent not in (room / "good", room / "hostile")
    ]
    assert outside == []
    assert not {"/proc/self/environ", "/dev/zero"} & set(map(str, took.opened))


@pytest.mark.parametrize("hostile", HOSTILE, indirect=True)
def test_the_command_refuses(hostile: Path, room: Path, request: pytest.FixtureRequest) -> None:
    reason = HOSTILE[request.node.callspec.params["hostile"]][0]
    took = measured.run(
        measured.COMMAND,
        *("verify-pair", str(room / "good"), str(hostile), "--output", "json"),
        address_bytes=MOST_BYTES,
    )
    document = json.loads(took.out)
    assert (took.status, document["verdict"], document["reason"], document["allowed"]) == (
        1,
        "Refused",
        reason,
        False,
    )
    in_bounds(took, room)


@pytest.mark.parametrize("hostile", HOSTILE, indirect=True)
def test_the_job_refuses(hostile: Path, room: Path, request: pytest.FixtureRequest) -> None:
    reason = HOSTILE[request.node.callspec.params["hostile"]][0]
    log = room / "good" / "termination-log"
    took = measured.job(hostile, room / "good", log, address_bytes=MOST_BYTES)
    assert took.status == 0
    content = log.read_bytes()
    assert len(content) <= report.MAX_BYTES
    report_of_job = report.parse(content)
    assert isinstance(report_of_job, PairReport)
    assert (report_of_job.verdict, report_of_job.reason, report_of_job.allowed) == (
        "Refused",
        reason,
        False,
    )
    in_bounds(took, room)
