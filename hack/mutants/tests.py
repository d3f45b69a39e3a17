"""Which tests run which line, found once for a state of the code and kept."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import coverage
import hypothesis
import pytest

from hack.mutants.rooms import ROOT, Room
from hack.mutants.selection import Mutant

CACHE = Path(os.environ.get("TANDEM_CACHE", Path.home() / ".cache/tandem")) / "mutants"
ARGUMENTS = (
    "-q",
    "-n",
    "0",
    "-p",
    "no:cacheprovider",
    "--timeout=120",
    "--hypothesis-profile=mutants",
)

# The same examples each time, none smaller than the first that fails, and none kept.
hypothesis.settings.register_profile(
    "mutants",
    deadline=None,
    database=None,
    derandomize=True,
    phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
)


class TestsFailedError(Exception):
    """Tests of the room fail without any defect planted."""


@dataclass(frozen=True)
class Seen:
    """`lines`: tests by `file:line`. `seconds`: how long each test takes."""

    lines: Mapping[str, tuple[str, ...]]
    seconds: Mapping[str, float]

    def of(self, mutant: Mutant) -> list[str]:
        """Tests that can notice, the quickest first; all of the room for what imports run."""
        covering = {test for line in mutant.lines for test in self.lines.get(_at(mutant, line), ())}
        return sorted(covering or self.seconds, key=lambda test: self.seconds[test])


def state_of(room: Room) -> str:
    """A hash of all code that may matter and of the room's tests."""
    digest = hashlib.sha256()
    for place in ("operator", "runtime", *room.tests):
        path = ROOT / place
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file() and file.suffix != ".pyc":
                digest.update(str(file.relative_to(ROOT)).encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def seen(name: str, room: Room) -> Seen:
    """What is kept for this state of the code, else what one run of the room's tests tells.

    Raises:
        TestsFailedError: they fail as they are.
    """
    kept = CACHE / f"{name}-{state_of(room)}.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        new = kept.with_suffix(f".{os.getpid()}")
        child = os.fork()
        if child == 0:
            os._exit(_measure(room, new))
        if os.waitpid(child, 0)[1] != 0:
            raise TestsFailedError(f"tests of {name} fail: pytest {' '.join(room.tests)}")
        for old in kept.parent.glob(f"{name}-*.json"):
            old.unlink()
        new.rename(kept)
    document = json.loads(kept.read_text())
    return Seen(
        {key: tuple(tests) for key, tests in document["lines"].items()}, document["seconds"]
    )


def _measure(room: Room, into: Path) -> int:
    include = [str(ROOT / file) for file in room.files()]
    measured = coverage.Coverage(data_file=None, include=include, config_file=False)
    contexts = _Contexts(measured)
    with quiet():
        measured.start()
        code = int(pytest.main([*ARGUMENTS, *room.tests], plugins=[contexts]))
        measured.stop()
    lines: dict[str, list[str]] = defaultdict(list)
    data = measured.get_data()
    for file in data.measured_files():
        where = Path(file).relative_to(ROOT)
        for line, tests in data.contexts_by_lineno(file).items():
            lines[f"{where}:{line}"] = [test for test in tests if test]
    into.write_text(json.dumps({"lines": lines, "seconds": contexts.seconds}))
    return code


class _Contexts:
    """Tells coverage which test runs, and how long each took; one name for all its parameters."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self._measured = measured
        self.seconds: dict[str, float] = defaultdict(float)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        test = item.nodeid.partition("[")[0]
        self._measured.switch_context(test)
        began = time.process_time()
        try:
            return (yield)
        finally:
            self.seconds[test] += time.process_time() - began
            self._measured.switch_context("")


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing of a test run is shown: its exit code says all."""
    sys.stdout.flush()
    shown = [os.dup(1), os.dup(2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        for number, duplicate in enumerate(shown, 1):
            os.dup2(duplicate, number)
            os.close(duplicate)
        os.close(nowhere)


def _at(mutant: Mutant, line: int) -> str:
    return f"{mutant.file}:{line}"
