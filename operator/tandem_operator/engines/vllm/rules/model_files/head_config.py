"""A head's config.json: what vLLM reads of it by name, and ends where it is not there."""

from collections.abc import Iterator

from tandem_operator.api.spec import Method
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.pair_validation import Warned
from tandem_operator.engines.vllm.capability import setup_of
from tandem_operator.engines.vllm.facts import head_classes, head_keys, inner_states
from tandem_operator.engines.vllm.facts.head_keys import Need
from tandem_operator.engines.vllm.pair_view import Pair, refuse, refuse_in
from tandem_runtime.contract.engines.vllm_capabilities import V1
from tandem_runtime.contract.report import SideReport
from tandem_runtime.contract.request import DRAFT, TARGET


def keys(pair: Pair) -> Iterator[FieldError | Warned]:
    """Each key that vLLM has no default for."""
    name, side = (TARGET, pair.target) if pair.draft is None else (DRAFT, pair.draft)
    present, needs = side.facts.head_keys, _needs(pair, side)
    if present is None or not needs:
        return
    lacking = list(head_keys.lacking(needs, present))
    if lacking:
        yield refuse(
            f"spec.{name}.uri",
            side.uri,
            f"config.json of the {name} has no {', no '.join(lacking)}, which vLLM does not "
            "start without",
            "use the configuration that was published with these weights",
        )
    if pair.method is Method.DFLASH and set(head_keys.ANCHORED) & set(present):
        yield refuse(
            f"spec.{name}.uri",
            side.uri,
            "the head sets sample_from_anchor, which vLLM has for DSpark heads alone",
            "use a head without it",
        )


def stages_in_target(pair: Pair) -> Iterator[FieldError | Warned]:
    """DSpark without a draft: vLLM reads its stages from checkpoints of a few types."""
    model_type = pair.target.facts.model_type
    if pair.method is not Method.DSPARK or pair.draft is not None or model_type is None:
        return
    if model_type not in head_classes.DSPARK_IN_TARGET:
        yield refuse_in(
            pair,
            "spec.target.uri",
            pair.target.uri,
            f"vLLM reads no DSpark stages from a target of type {model_type}",
            "name a DSpark head in spec.draft, or use another method",
        )


def inner_states_of_target(pair: Pair) -> Iterator[FieldError | Warned]:
    """Heads that read inner layers: the target's class must give them their states."""
    architecture = pair.target.architecture
    if pair.method not in inner_states.READ_BY or architecture not in inner_states.WITHOUT:
        return
    if pair.argument("model-impl") == "transformers":
        return  # Transformers' own class of the model gives them
    yield refuse_in(
        pair,
        "spec.target.uri",
        pair.target.uri,
        f"vLLM's class of {architecture} gives {pair.method.value} heads no states of its layers",
        "use method DraftModel, MTP or NGram for this target",
    )


def candidates(pair: Pair) -> Iterator[FieldError | Warned]:
    """DFlash heads that choose among candidates: their drafter is the second runner's alone."""
    draft = pair.draft
    if draft is None or pair.method is not Method.DFLASH:
        return
    names = {draft.architecture, draft.facts.speculators}
    if names & head_classes.WITH_CANDIDATES and setup_of(pair.spec, pair).runner == V1:
        chosen = pair.spec.engine.model_runner is not None
        yield refuse(
            "spec.engine.modelRunner" if chosen else "spec.accelerator.resource",
            V1 if chosen else pair.spec.accelerator.resource,
            "vLLM drafts by heads with candidates (DFlash2, LiLiCorr) in model runner V2 alone",
            "remove modelRunner" if chosen else "use a GPU, or another method",
        )


def _needs(pair: Pair, side: SideReport) -> tuple[Need, ...]:
    """What vLLM reads of this side; empty where nothing is known of it."""
    facts, architecture = side.facts, side.architecture
    if pair.draft is None:
        in_target = pair.method is Method.DSPARK and (
            facts.model_type in head_classes.DSPARK_IN_TARGET
        )
        return head_keys.OF_CLASS[head_keys.IN_TARGET] if in_target else ()
    if pair.method not in head_classes.METHODS:
        return ()
    if facts.speculators is not None:
        return head_keys.OF_SPECULATORS.get(facts.speculators, ())
    if head_keys.SPECULATORS_CONFIG in (facts.head_keys or ()):
        return head_keys.SPECULATORS
    if architecture is None:
        return ()
    named = head_classes.class_of(
        pair.method, architecture, facts.model_type, pair.target.facts.model_type
    )
    return head_keys.OF_CLASS.get(named or "", ())
