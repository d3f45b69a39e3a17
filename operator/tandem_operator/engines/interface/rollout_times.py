"""How long things last before a rollout that nobody asked for by a change of the spec."""

from __future__ import annotations

from dataclasses import fields

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass

CONFIG = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)


@dataclass(frozen=True, config=CONFIG)
class RolloutTimes:
    """Seconds, but for ``canary_drafts``. The administrator may set each.

    ``remove_after``: off, until the draft goes. ``first_dwell``: between such rollouts at least; it
    doubles with each that follows within ``longest_dwell``, up to that. ``worth_for``: the load
    must be worth a draft, until a canary tries it. ``probe_after``: without a draft that acceptance
    turned off, until a canary asks whether the traffic has changed; doubles with each in vain.
    ``canary_for`` and ``canary_drafts`` (drafts that were judged): what a canary measures at least;
    ``canary_deadline``: it goes when it has not, counted from when it may have started.
    ``restart_dwell``: between two restarts for decay; doubles like the first dwell.
    ``depth_for``: what traffic says of another K is gathered so long, where a new K is a rollout;
    ``depth_dwell``: between two such rollouts at least; doubles like the first dwell.
    ``pod_start``: what a pod takes to start, where none that is ready tells.
    """

    remove_after: float = 600.0
    first_dwell: float = 1800.0
    longest_dwell: float = 86_400.0
    worth_for: float = 300.0
    probe_after: float = 21_600.0
    canary_for: float = 60.0
    canary_drafts: float = 300.0
    canary_deadline: float = 1800.0
    restart_dwell: float = 21_600.0
    depth_for: float = 1800.0
    depth_dwell: float = 14_400.0
    pod_start: float = 600.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0 < value < float("inf"):
                raise ValueError(f"{to_camel(field.name)} is {value}: give a number above 0")
