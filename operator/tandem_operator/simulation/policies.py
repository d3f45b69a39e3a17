"""How K is chosen in a simulated engine: by the tuner, by a fixed rule, or by the oracle.

A policy answers for every step and is told a window now and then, as the real operator does.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from tandem_operator.simulation.oracle import Knowledge, Oracle
from tandem_operator.simulation.world.draws import Floats
from tandem_operator.simulation.world.reader import Reader
from tandem_operator.tuning import Decision, Settings, Thresholds, Window, initial_state, tune
from tandem_operator.tuning.table import tokens_in
from tandem_runtime.contract.table import Range

DEEPEST_BATCH = 256


class PolicyError(ValueError):
    """A policy's name is not known; the message lists those that are."""


class Policy(Protocol):
    """`tokens` is asked before each step; `observe` is told each window.

    `best` is the best K by what the policy `knows` beyond its windows, 0 when that is nothing.
    `loaded`: the engine was started with the draft.
    """

    name: str
    changes: int
    knows: Knowledge
    loaded: bool

    def tokens(self, batch: int, prefill: int, best: int) -> int: ...

    def observe(self, window: Window) -> None: ...


class Fixed:
    """The same K always: `fixed:K`; `off`, which is K = 0 with the draft loaded and pays for
    keeping it in sync; and `removed`, an engine started without the draft."""

    knows = Knowledge.NOTHING

    def __init__(self, name: str, tokens: int, loaded: bool = True) -> None:
        self.name = name
        self.loaded = loaded
        self.changes = 0
        self._tokens = tokens

    def tokens(self, batch: int, prefill: int, best: int) -> int:
        return self._tokens

    def observe(self, window: Window) -> None:
        """A fixed K learns nothing."""


class Clairvoyant:
    """Takes the best K at every step by the truth: `oracle` and `informed`."""

    loaded = True

    def __init__(self, name: str = "oracle", knows: Knowledge = Knowledge.REQUESTS) -> None:
        self.name = name
        self.knows = knows
        self.changes = 0

    def tokens(self, batch: int, prefill: int, best: int) -> int:
        return best

    def observe(self, window: Window) -> None:
        """It knows already."""


class Table:
    """A table that never changes, read with hysteresis: `static`."""

    knows = Knowledge.NOTHING
    loaded = True

    def __init__(self, name: str, schedule: Sequence[Range]) -> None:
        self.name = name
        self.changes = 0
        self._reader = Reader([tokens for _, _, tokens in schedule])
        self._reader.take(schedule, None, None)

    def tokens(self, batch: int, prefill: int, best: int) -> int:
        return self._reader.tokens(batch, prefill)

    def observe(self, window: Window) -> None:
        """A static table learns nothing."""


class Tuned:
    """The product: `tune` decides, its table is read at each step."""

    knows = Knowledge.NOTHING
    loaded = True

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self.changes = 0
        self.decisions: list[tuple[float, Decision]] = []
        self._settings = settings
        self._state = initial_state(settings)
        self._state, decision = tune(self._state, (), settings)
        self._reader = Reader(settings.depths)
        self._take(0.0, decision)

    def tokens(self, batch: int, prefill: int, best: int) -> int:
        return self._reader.tokens(batch, prefill)

    def observe(self, window: Window) -> None:
        self._state, decision = tune(self._state, (window,), self._settings)
        last = self.decisions[-1][1]
        if (decision.schedule, decision.prefill_schedule) != (last.schedule, last.prefill_schedule):
            self.changes += 1
            self._take(window.now_s, decision)
        elif decision.explore != last.explore:
            # Another exploration of the same table is written to the engine, too.
            self._take(window.now_s, decision)

    def depth_at(self, now_s: float, batch: int) -> int:
        """K for so many decoding requests by the table of that time, exploration left out."""
        place = bisect_right(self.decisions, now_s, key=lambda one: one[0]) - 1
        schedule = self.decisions[place][1].schedule
        return tokens_in(schedule, batch)

    def _take(self, now_s: float, decision: Decision) -> None:
        self.decisions.append((now_s, decision))
        self._reader.take(decision.schedule, decision.prefill_schedule, decision.explore)


def policy_of(
    name: str, settings: Settings, oracle: Oracle, survival: Mapping[str, Floats]
) -> Policy:
    """The policy of that name: goodput, thresholds, static, fixed:K, off, removed, informed,
    oracle.

    `static` is the table that is best by batch for `survival`, as offline tuning would find it.
    Raises PolicyError for any other name.
    """
    kind, _, value = name.partition(":")
    if name == "goodput":
        return Tuned(name, replace(settings, policy="Goodput"))
    if name == "thresholds":
        limits = settings.thresholds or Thresholds(min_acceptance_rate=0.5, max_concurrency=32)
        return Tuned(name, replace(settings, policy="Thresholds", thresholds=limits))
    if name == "static":
        return Table(name, best_schedule(oracle, survival))
    if name == "oracle":
        return Clairvoyant()
    if name == "informed":
        return Clairvoyant(name, Knowledge.TEXTS)
    if name == "off":
        return Fixed(name, 0)
    if name == "removed":
        return Fixed(name, 0, loaded=False)
    if kind == "fixed" and value.isdecimal() and int(value) in settings.depths:
        return Fixed(name, int(value))
    raise PolicyError(
        f"policy {name!r} is not known: give goodput, thresholds, static, off, removed, informed, "
        f"oracle, fixed:best or fixed:K with K one of {', '.join(map(str, settings.depths))}"
    )


def best_schedule(
    oracle: Oracle, survival: Mapping[str, Floats], context_per_request: float = 800.0
) -> list[Range]:
    """The oracle's K by batch, for all segments alike and without prefill."""
    gains = oracle.gains(survival, tuple(survival)).mean(axis=0).tolist()
    schedule: list[Range] = []
    for batch in range(1, DEEPEST_BATCH + 1):
        tokens = oracle.best(batch, context_per_request * batch, 0, gains)
        if schedule and schedule[-1].tokens == tokens:
            schedule[-1] = schedule[-1]._replace(last=batch)
        else:
            schedule.append(Range(batch, batch, tokens))
    return schedule
