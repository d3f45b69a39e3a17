"""The depths that vLLM is started with, and what they need of its graphs."""

import re
from dataclasses import dataclass

from tandem_operator.api import defaults
from tandem_operator.api.spec import Spec
from tandem_operator.engines import tiers
from tandem_operator.engines.interface.launch import Launch
from tandem_operator.engines.pod import flags
from tandem_operator.engines.pod.flags import OwnedFlag
from tandem_operator.engines.vllm.capability import capabilities_of, setup_of
from tandem_runtime.contract.engines import vllm_capabilities as table
from tandem_runtime.contract.table import Range

LEAST_BATCH = 256
LEAST_BATCH_CPU = 128
"""Requests in one step at most by vLLM's own default, on the smallest device of either kind."""

CAPTURED_TOKENS = 512
"""Tokens of the largest graph that vLLM captures by itself, on most GPUs."""
SURE_BATCHES = 64
"""Up to this many requests a step of any tier shall find its graph."""
GRAPH_OPTIONS = (
    OwnedFlag("cudagraph-capture-sizes", "remove it"),
    OwnedFlag("max-cudagraph-capture-size", "remove it"),
    OwnedFlag("compilation-config", "remove it", short=("-cc",)),
    OwnedFlag("enforce-eager", "remove it"),
)
"""Options by which a user chooses graphs; there the operator chooses none."""
REFERENCE = re.compile(r"^\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)$")


@dataclass(frozen=True)
class Depths:
    """K of one engine: `tiers` are those that it may take, one alone where K cannot change.

    `started` is the deepest that the engine makes room for, `schedule` its start schedule (None:
    it may have none), `captured_tokens` the largest graph to ask for (None: vLLM's own default).
    """

    tiers: tuple[int, ...]
    started: int
    schedule: tuple[Range, ...] | None = None
    captured_tokens: int | None = None


def depths_of(launch: Launch) -> Depths:
    """The depths of a launch; none where speculation is left out."""
    spec, most = launch.spec, launch.spec.speculation.max_tokens
    if launch.without_speculation:
        return Depths((0,), 0)
    can = capabilities_of(spec, launch.report)
    if can.live == table.NONE:
        return Depths((most,), most)
    if not can.by_step:
        # The drafter takes the deepest K alone; what it drafts is verified whole or not at all.
        return Depths((0, most), most)
    made, started = _nested(most, setup_of(spec, launch.report).modules)
    if not can.start_schedule:
        return Depths(made, started)
    initial = tiers.taken_down(launch.values.initial_tokens, made)
    return Depths(
        made,
        started,
        tuple(tiers.start_schedule(made, initial, least_batch(spec))),
        _captured(spec, made[-1]) if can.full_graphs else None,
    )


def _nested(most: int, modules: int) -> tuple[tuple[int, ...], int]:
    """The tiers, and the K to start with: with several modules vLLM takes a multiple of them."""
    made = tiers.tiers(most)
    while made[-1] > modules > 1:
        started = -(-made[-1] // modules) * modules
        if started <= most:
            return made, started
        made = made[:-1]
    return made, made[-1]


def least_batch(spec: Spec) -> int:
    """The fewest requests that the engine may be limited to in one step.

    What the arguments say, else the default of the smallest device: where an engine takes more,
    its last depth goes on. A default is cut to the tokens of a step, as vLLM cuts it.
    """
    given = _number(spec, "max-num-seqs", "max-num-se")
    if given is not None:
        return given
    on_cpu = defaults.accelerator_resource(spec) is None
    tokens = _number(spec, "max-num-batched-tokens", "max-num-b")
    least = LEAST_BATCH_CPU if on_cpu else LEAST_BATCH
    return least if tokens is None else min(least, tokens)


def _number(spec: Spec, name: str, least: str) -> int | None:
    text = flags.value_of(spec.engine.args, name, least)
    reference = REFERENCE.match(text or "")
    if reference is not None:
        values = {each.name: each.value for each in spec.engine.env}
        text = values.get(reference[1])
    return int(text) if text is not None and text.isdigit() and int(text) > 0 else None


def _captured(spec: Spec, deepest: int) -> int | None:
    """Tokens of the largest graph, where vLLM's default leaves the deepest tier without some."""
    wanted = SURE_BATCHES * (deepest + 1)
    chosen = any(flags.owned_by(argument, GRAPH_OPTIONS) for argument in spec.engine.args)
    return wanted if wanted > CAPTURED_TOKENS and not chosen else None
