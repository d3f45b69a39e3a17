"""What vLLM does with a K that changes while it serves: the one table that everybody asks.

Pure, and part of the contract: the operator asks it before a pod is made, the plugin asks it again
inside the engine, with what only the engine knows. Every fact is read in vLLM's sources, and
`make vllm-matrix` reads it there again; nothing else in the product states one.
"""

from __future__ import annotations

from typing import NamedTuple

V1, V2 = "V1", "V2"
"""vLLM's two model runners. V2 is what a GPU gets by default, V1 what a CPU gets."""

NATIVE = "native"
"""A step drafts what it asks for: no forward pass of the drafter is made for a token above K."""
CUT = "cut"
"""All tokens are drafted, whatever K is; those above it are cut before the target verifies them."""
NONE = "none"
"""Every step drafts and verifies the same number."""

EVERYTHING = "drafting and verification"
VERIFICATION = "verification"
NOTHING = "nothing"
CONTEXT = "the drafter's cache of the context"
LOOKUP = "the lookup of n-grams"
ONE_FORWARD = "one forward pass of the drafter"
ALL_FORWARDS = "all forward passes of the drafter"

DENSE, DELTA, MAMBA = "dense", "delta", "mamba"
"""State that layers of the target carry beside the KV cache: none, a delta rule's (its graphs take
any length), or one whose graphs take the full length only (Mamba, short convolution)."""

OLDEST = (0, 18)
"""The oldest vLLM that is served at all: earlier ones run a repository's code unasked."""
LIVE_FROM = (0, 32)
"""The oldest vLLM in which a changing K is sound for every method: see `docs/engines/vllm.md`."""
READ = ((0, 32), (0, 33))
"""The versions whose sources the table was read in; a later one is taken for the last of them."""
V2_FROM = (0, 29)
"""The oldest vLLM that runs V2 wherever it can."""


class Setup(NamedTuple):
    """One engine, as far as the answer depends on it.

    `version` is (major, minor); None: not known, taken for the newest that was read. `method` is
    vLLM's own word. `modules` is how many modules of multi-token prediction draft one after the
    other: the smaller of the layers that the model has and the deepest K. `drafter_follows` says
    that the plugin keeps V2's drafter from making more drafts than the step asks for, which it does
    for those of FOLLOWED, without data parallelism.
    """

    version: tuple[int, int] | None
    runner: str
    method: str
    state: str = DENSE
    modules: int = 1
    parallel_drafting: bool = False
    adaptive_verification: bool = False
    pipeline: int = 1
    data: int = 1
    mixture_of_experts: bool = False
    drafter_follows: bool = False


class Capabilities(NamedTuple):
    """What that engine does.

    `live` is NATIVE, CUT or NONE, and `reason` why it is not NATIVE. `by_step`: the runner obeys
    the K that the scheduler writes into a step (otherwise only the requests' drafts can be cut).
    `saves` is what a lower K saves, `idle` what a step at K=0 still runs of the drafter.
    `start_schedule`: a table of K by batch may be given at start. `full_graphs`: with that table a
    step of any of its depths finds a full CUDA graph. `asynchronous`: the next step is scheduled
    while one runs, where the platform can.
    """

    live: str
    reason: str
    by_step: bool
    saves: str
    idle: str
    start_schedule: bool
    full_graphs: bool
    asynchronous: bool


class Drafter(NamedTuple):
    """How one method drafts in one runner; fields are those of `Capabilities`, `why` its reason."""

    live: str
    by_step: bool
    saves: str
    idle: str
    asynchronous: bool = True
    why: str = ""


_FOLLOWS = Drafter(NATIVE, True, EVERYTHING, ONE_FORWARD)
_ONE_BLOCK = Drafter(NATIVE, True, VERIFICATION, ONE_FORWARD)
_ALL_FORWARDS = Drafter(
    CUT, True, VERIFICATION, ALL_FORWARDS, why="the drafter runs all its passes"
)
_FIXED = Drafter(
    CUT, False, VERIFICATION, ONE_FORWARD, False, "the drafter takes the deepest K only"
)

DRAFTERS: dict[tuple[str, str], Drafter] = {
    (V1, "draft_model"): _FOLLOWS,
    (V1, "eagle"): _FOLLOWS,
    (V1, "eagle3"): _FOLLOWS,
    (V1, "mtp"): _FOLLOWS,
    (V1, "ngram"): Drafter(NATIVE, True, EVERYTHING, NOTHING, asynchronous=False),
    (V1, "ngram_gpu"): _FIXED._replace(idle=LOOKUP, asynchronous=True),
    (V1, "suffix"): _FIXED._replace(idle=LOOKUP),
    (V1, "medusa"): _FIXED,
    (V2, "draft_model"): _ALL_FORWARDS,
    (V2, "eagle"): _FOLLOWS,
    (V2, "eagle3"): _FOLLOWS,
    (V2, "mtp"): _FOLLOWS,
    (V2, "ngram"): Drafter(NATIVE, True, VERIFICATION, LOOKUP, asynchronous=False),
    (V2, "ngram_gpu"): Drafter(NATIVE, True, VERIFICATION, LOOKUP),
    (V2, "dflash"): _ONE_BLOCK,
    (V2, "dspark"): _ONE_BLOCK,
}
"""Every method that can be driven, by runner and vLLM's own word, in LIVE_FROM."""

CHANGED: dict[tuple[int, int], dict[tuple[str, str], Drafter | None]] = {
    (0, 33): {
        (V1, "medusa"): None,
        (V2, "ngram"): DRAFTERS[V2, "ngram"]._replace(asynchronous=True),
        (V2, "dflash"): _ONE_BLOCK._replace(idle=CONTEXT),
        (V2, "dspark"): _ONE_BLOCK._replace(idle=CONTEXT),
    }
}
"""What a later version does otherwise; None: it has the method no more."""

V1_ONLY = frozenset({"suffix", "medusa"})
"""Methods that V2 has no drafter for: vLLM ends at its start where somebody chose V2."""
V2_ONLY = frozenset({"dspark"})
"""Methods that V1 has no drafter for: vLLM ends at its start where V1 is what it takes."""
DRAFT_IN_PARALLEL = frozenset({"dflash", "dspark"})
"""Methods that draft all tokens in one pass; V2 has drafters of their own for them."""
DELTA_MODELS = ("qwen3_next", "qwen3_5", "kimi_linear")
"""Beginnings of the `model_type` of hybrid models whose state is a delta rule's."""
FOLLOWED = frozenset({"draft_model"})
"""Methods whose drafter in V2 the plugin makes follow K, in the versions that were read."""


def capabilities(setup: Setup) -> Capabilities:
    """What that engine does with a changing K; what is not known to work counts as NONE."""
    drafter = _drafter(setup)
    reason = _fixed_because(setup, drafter)
    asynchronous = _asynchronous(setup, drafter)
    if reason or drafter is None:
        idle = ALL_FORWARDS if drafter is None or drafter.live == NATIVE else drafter.idle
        return Capabilities(NONE, reason, False, NOTHING, idle, False, False, asynchronous)
    schedule = drafter.by_step and setup.data == 1
    return Capabilities(
        live=drafter.live,
        reason=drafter.why,
        by_step=drafter.by_step,
        saves=drafter.saves,
        idle=drafter.idle,
        start_schedule=schedule,
        full_graphs=schedule and setup.runner == V2,
        asynchronous=asynchronous,
    )


def plugin_follows(version: tuple[int, int] | None, runner: str, method: str) -> bool:
    """Whether the plugin keeps this drafter to the step's K; it says so itself once it runs."""
    return runner == V2 and method in FOLLOWED and (version is None or version in READ)


def state_of(hybrid: bool | None, model_type: str | None) -> str:
    """The state of a model's layers; a hybrid that is not known counts as the strict kind."""
    if not hybrid:
        return DENSE
    return DELTA if (model_type or "").startswith(DELTA_MODELS) else MAMBA


def runner_of(
    version: tuple[int, int] | None,
    method: str,
    *,
    accelerated: bool = True,
    asked: str | None = None,
    parallel_drafting: bool = False,
    heterogeneous_vocabulary: bool = False,
) -> str:
    """The runner that vLLM takes; `asked` is V1 or V2 where somebody chose it.

    `accelerated` is False on a CPU, whose build lacks what V2 needs.
    """
    if asked is not None:
        return asked
    if not accelerated or method in V1_ONLY or heterogeneous_vocabulary:
        return V1
    if parallel_drafting and method not in DRAFT_IN_PARALLEL:
        return V1
    return V2 if version is None or version >= V2_FROM else V1


def drafters_of(version: tuple[int, int] | None) -> dict[tuple[str, str], Drafter]:
    """Every method of a version, by runner; where it is not known, those of any version."""
    drafters = dict(DRAFTERS)
    for since, rows in sorted(CHANGED.items()):
        for row, drafter in rows.items():
            if version is not None and version < since:
                continue
            if drafter is not None:
                drafters[row] = drafter
            elif version is not None:
                del drafters[row]
    return drafters


def _drafter(setup: Setup) -> Drafter | None:
    drafter = drafters_of(setup.version).get((setup.runner, setup.method))
    if drafter is None or setup.runner == V1:
        return drafter
    if setup.method == "mtp" and setup.modules > 1:
        drafter = _ALL_FORWARDS
    follows = setup.drafter_follows and setup.method in FOLLOWED and setup.data == 1
    return _FOLLOWS if drafter is _ALL_FORWARDS and follows else drafter


def _asynchronous(setup: Setup, drafter: Drafter | None) -> bool:
    ahead = drafter is not None and drafter.asynchronous
    return ahead and not (setup.runner == V1 and setup.pipeline > 1)


def _fixed_because(setup: Setup, drafter: Drafter | None) -> str:
    """Why K cannot change on this engine; "" where it can."""
    version = setup.version
    if version is not None and version < LIVE_FROM:
        return f"vLLM {_text(version)} is older than {_text(LIVE_FROM)}"
    if setup.parallel_drafting and setup.runner == V1:
        return "parallel drafting takes the deepest K only in model runner V1"
    if drafter is None:
        return f"this vLLM has no method {setup.method} in model runner {setup.runner}"
    if setup.pipeline > 1:
        return "the stages of a pipeline would run different depths"
    if setup.data > 1 and setup.mixture_of_experts:
        return "data-parallel ranks of a mixture of experts must draft alike"
    if setup.state == MAMBA:
        return "Mamba layers take the deepest K only"
    if setup.adaptive_verification:
        return "adaptive verification chooses how many drafts are verified"
    return ""


def _text(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
