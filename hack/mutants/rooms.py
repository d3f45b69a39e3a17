"""The pure rooms, the tests that can see a defect of each, and how many defects are tried."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OPERATOR = "operator/tandem_operator"
RUNTIME = "runtime/tandem_runtime"


@dataclass(frozen=True)
class Room:
    """`sources`: files and folders that are mutated. `number`: mutants tried of them."""

    sources: tuple[str, ...]
    tests: tuple[str, ...]
    number: int

    def files(self) -> tuple[Path, ...]:
        """Python files of the room, by path from the root of the repository.

        Raises:
            FileNotFoundError: a source or a folder of tests has moved.
        """
        paths: set[Path] = set()
        for each in (*self.sources, *self.tests):
            (ROOT / each).stat()
        for each in self.sources:
            place = ROOT / each
            paths.update([place] if place.is_file() else place.rglob("*.py"))
        return tuple(sorted(each.relative_to(ROOT) for each in paths))


ROOMS = {
    "planning": Room((f"{OPERATOR}/planning",), ("tests/unit/planning",), 90),
    "tuning": Room((f"{OPERATOR}/tuning",), ("tests/unit/tuning",), 80),
    "lock": Room(
        tuple(f"{RUNTIME}/lock/{each}" for each in ("draft", "fingerprint", "formats", "verdict")),
        ("tests/unit/lock",),
        80,
    ),
    "contract": Room(
        (f"{RUNTIME}/contract",),
        ("tests/unit/contract", "tests/unit/lock/test_contract.py"),
        30,
    ),
    "plugin": Room(
        (
            f"{RUNTIME}/plugin/depth",
            f"{RUNTIME}/plugin/metrics",
            f"{RUNTIME}/plugin/table/plan.py",
        ),
        ("tests/unit/plugin",),
        30,
    ),
    "scoring": Room((f"{OPERATOR}/simulation/scoring",), ("tests/unit/simulation",), 20),
}
