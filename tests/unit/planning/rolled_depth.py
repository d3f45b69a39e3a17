"""A world whose pods run another K than that of the spec, for that was worth a rollout."""

from __future__ import annotations

import copy
import json
from typing import Any

from tandem_operator.planning.rollout.evidence import DepthsView, RolloutEvidence
from tests.unit.planning import builders
from tests.unit.planning.builders import Object
from tests.unit.planning.redeployed import template
from tests.unit.planning.world import World

NEURON: Object = {
    "engine": {"type": "Neuron", "image": "neuron:1"},
    "speculation": {"method": "Eagle3", "maxTokens": 7, "constrainedOutput": "Allow"},
    "replicas": 2,
}
HOURS = 3600.0
BETTER = (1.9, 1.2, 0.9, 0.8, 0.85, 0.9, 0.95, 1.0)
"""Time per output token by K: three drafts take a fifth less than seven."""


def served(changes: Object | None = None) -> World:
    world = World(builders.resource({**copy.deepcopy(NEURON), **(changes or {})})).serve()
    world.pass_time(60)
    return world


def seen(world: World, ratios: tuple[float, ...] = BETTER, tokens: int = 7, **fields: Any) -> None:
    """What traffic said of every K over the last hour."""
    known: Object = {
        "tokens": tokens,
        "ratios": tuple(each / ratios[tokens] for each in ratios),
        "deviations": (0.02,) * len(ratios),
        "tokens_per_step": tuple(2.0 - 0.5**k for k in range(len(ratios))),
        "batch": 6.0,
        "seconds_per_token": 0.020,
        "busy": 0.5,
        "seconds": HOURS,
        **fields,
    }
    evidence = RolloutEvidence(batch=6.0, depths=DepthsView(**known))
    world.tuning = builders.tuning(world.lock_hash, rollout=evidence)
    world.settle()


def moved(changes: Object | None = None) -> World:
    """Pods with three drafts, where the spec has seven."""
    world = served(changes)
    seen(world)
    world.roll_out()
    world.settle()
    return world


def k_of(world: World) -> int:
    (main,) = [c for c in template(world)["spec"]["containers"] if c["name"] == "main"]
    (word,) = [each for each in main["args"] if each.startswith("--speculative-config=")]
    config = json.loads(word.partition("=")[2])
    return int(config["num_speculative_tokens"])
