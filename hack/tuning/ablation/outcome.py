"""What one case comes to with one mechanism switched off, in parts that are kept in a folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import tandem_operator
import tandem_runtime
from hack.tuning.ablation.mechanism import Mechanism
from tandem_operator.simulation.oracle import Oracle
from tandem_operator.simulation.run import run
from tandem_operator.simulation.scoring.answers import BACK, COLLAPSED, answers_of, changes_of
from tandem_operator.simulation.scoring.case import Setup, tuned
from tandem_operator.simulation.scoring.cases import alternating_world, world_of
from tandem_operator.simulation.scoring.harm import worst_of
from tandem_operator.simulation.world.engine_drift import engine_drifting
from tandem_operator.simulation.world.load.loops import closed_loop
from tandem_operator.simulation.world.profile import Engine

Figures = Mapping[str, float]
"""Regrets in percent, ``changes`` of the table and ``files`` written in an hour, ``collapse`` the
windows that the slowest answer to a collapse took, ``back`` that to its end, ``beyond_tax`` percent
of the worst ten minutes."""

ANSWERS_S = 600.0
ENGINE_S = 600.0
ENGINE_DRIFT = "dear-draft"
CLIENTS = 8


@dataclass(frozen=True)
class Case:
    """One seed's hour, or part of one, with one kind of counters."""

    seed: int
    counters: str
    scrape_s: float
    horizon_s: float

    @property
    def setup(self) -> Setup:
        return Setup(self.counters, 0.0, self.scrape_s)


def _hour(engine: Engine, case: Case) -> Figures:
    world = world_of(engine, case.seed, case.horizon_s, case.scrape_s, not case.setup.stock)
    policy = tuned(engine, case.setup, start_profile=False)
    account = run(world, policy)
    hours = case.horizon_s / 3600.0
    harm = worst_of(account.timeline)
    return {
        "regret": 100 * account.regret,
        "first": 100 * account.first_regret,
        "changes": policy.changes / hours,
        "files": len(policy.decisions) / hours,
        **({} if harm is None else {"beyond_tax": 100 * (harm.against_bare - harm.tax)}),
    }


def _collapses(engine: Engine, case: Case) -> Figures:
    steady = alternating_world(engine, case.seed, ANSWERS_S, case.scrape_s, not case.setup.stock)
    policy = tuned(engine, case.setup, start_profile=False)
    answers = answers_of(
        changes_of(steady.survival_at, ANSWERS_S),
        run(steady, policy).timeline,
        policy.depth_at,
        Oracle(steady.truth, steady.tiers),
    )
    windows = {
        "collapse": [one.windows for one in answers if one.kind == COLLAPSED],
        "back": [one.windows for one in answers if one.kind == BACK],
    }
    return {name: float(max(waits)) for name, waits in windows.items() if waits}


def _engine(engine: Engine, case: Case) -> Figures:
    world = world_of(engine, case.seed, case.horizon_s, case.scrape_s, not case.setup.stock)
    changing = replace(
        world,
        trace=closed_loop(CLIENTS, tuple(engine.survival), case.seed),
        survival_at=lambda now_s: engine.survival,
        truth_at=engine_drifting(world.truth, ENGINE_DRIFT, ENGINE_S),
        horizon_s=ENGINE_S,
    )
    account = run(changing, tuned(engine, case.setup, start_profile=False))
    return {"engine": 100 * account.regret}


PARTS: Mapping[str, Callable[[Engine, Case], Figures]] = {
    "hour": _hour,
    "collapses": _collapses,
    "engine": _engine,
}
"""The case's load; 10 minutes in which acceptance collapses; 10 of a draft that gets slow."""


class Kept:
    """Figures in a folder, by mechanism, case, part and the code that gave them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / code_digest()
        self._folder.mkdir(parents=True, exist_ok=True)

    def read(self, mechanism: Mechanism, case: Case, part: str) -> Figures | None:
        path = self._path(mechanism, case, part)
        if not path.exists():
            return None
        figures: Figures = json.loads(path.read_text())
        return figures

    def play(self, mechanism: Mechanism, engine: Engine, case: Case, part: str) -> None:
        """Play the part of the case without the mechanism, and keep what it comes to."""
        with mechanism.off():
            figures = PARTS[part](engine, case)
        path = self._path(mechanism, case, part)
        unfinished = path.with_suffix(".part")
        unfinished.write_text(json.dumps(figures))
        unfinished.rename(path)

    def _path(self, mechanism: Mechanism, case: Case, part: str) -> Path:
        name = hashlib.sha256(mechanism.name.encode()).hexdigest()[:12]
        return self._folder / (
            f"{name}-{part}-{case.seed}-{case.counters}-{case.scrape_s:g}-{case.horizon_s:g}.json"
        )


def code_digest() -> str:
    """What decides an outcome: tuner, simulator and the plugin's interpreter."""
    folders = (
        Path(tandem_operator.__path__[0]) / "tuning",
        Path(tandem_operator.__path__[0]) / "simulation",
        Path(tandem_runtime.__path__[0]) / "plugin",
    )
    digest = hashlib.sha256()
    for path in sorted(_sources(folders)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _sources(folders: Iterable[Path]) -> Iterable[Path]:
    return (path for folder in folders for path in folder.rglob("*.py"))
