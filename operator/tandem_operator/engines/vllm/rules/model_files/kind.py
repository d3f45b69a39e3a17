"""Kinds: that the method's drafter is what the draft was made for, and that vLLM knows both."""

from collections.abc import Iterator

from tandem_operator.api.spec import Method
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.pair_validation import Warned
from tandem_operator.engines.vllm.facts import head_classes, head_keys, mtp_types
from tandem_operator.engines.vllm.pair_view import Pair, refuse, refuse_in

MODEL, MTP, ADAPTER, UNKNOWN, PARALLEL_HEAD = "Model", "MTP", "Adapter", "Unknown", "PEagle"
KINDS = {
    Method.DRAFT_MODEL: {MODEL, MTP},
    Method.EAGLE: {"Eagle"},
    Method.EAGLE3: {"Eagle3", PARALLEL_HEAD},
    Method.MEDUSA: {"Medusa"},
    Method.MTP: {MTP},
    Method.DFLASH: {"DFlash"},
    Method.DSPARK: {"DSpark"},
}
"""Kinds of draft, in the lock's words, that each method's drafter runs."""
_USUAL_NAMES = {
    Method.EAGLE: "LlamaForCausalLM",
    Method.EAGLE3: "LlamaForCausalLMEagle3",
    Method.DFLASH: "DFlashDraftModel",
}


def kinds(pair: Pair) -> Iterator[FieldError | Warned]:
    """What the lock found under any policy holds under Skip too: another kind does not run."""
    target = pair.target.facts.kind
    if target not in (None, MODEL, MTP, UNKNOWN):
        yield refuse(
            "spec.target.uri",
            pair.target.uri,
            f"the target is of kind {target}, which does not serve by itself",
            "name the model that it was made for",
        )
    if pair.draft is None or pair.method not in KINDS:
        return
    kind = pair.draft.facts.kind
    if kind == UNKNOWN:
        yield Warned(
            "spec.draft.uri",
            "the draft is of a kind that is not known",
            "use a draft whose kind docs/lock.md lists",
        )
    elif kind is not None and kind not in KINDS[pair.method]:
        fitting = [method.value for method, taken in KINDS.items() if kind in taken]
        yield refuse(
            "spec.speculation.method",
            pair.method.value,
            f"the draft is of kind {kind}",
            f"set method: {' or '.join(fitting)}" if fitting else "use another draft",
        )
    elif kind == PARALLEL_HEAD:
        yield Warned(
            "spec.draft.uri",
            "the draft is a P-EAGLE head, which was trained to draft all tokens at once; it drafts "
            "one after the other here, because K could not change otherwise",
            "use an EAGLE-3 head, or method DFlash with a head made for it",
        )


def head_class(pair: Pair) -> Iterator[FieldError | Warned]:
    """vLLM names a head by its method and architecture, and must have a class of that name."""
    draft = pair.draft
    if draft is None or pair.method not in head_classes.METHODS:
        return
    facts, architecture = draft.facts, draft.architecture
    # Without weights a plain architecture tells no kind, and is named by its method all the same.
    if facts.kind is not None and facts.kind not in KINDS[pair.method]:
        return
    remedy = "use a head that was published for vLLM"
    if facts.speculators is not None:
        if facts.speculators not in head_classes.SPECULATORS:
            what = f"speculators of type {facts.speculators}"
            yield refuse_in(pair, "spec.draft.uri", draft.uri, f"vLLM does not read {what}", remedy)
        elif facts.speculators not in head_classes.SPECULATORS_OF_ANY_LAYER and (
            facts.text_type not in (None, *head_classes.SPECULATORS_LAYERS)
        ):
            what = f"speculators of {facts.text_type} layers"
            yield refuse_in(pair, "spec.draft.uri", draft.uri, f"vLLM does not read {what}", remedy)
        return
    if architecture is None or head_keys.SPECULATORS_CONFIG in (facts.head_keys or ()):
        return
    if not head_classes.has_class(pair.method, architecture, pair.target.facts.model_type):
        name = head_classes.name_of(pair.method, architecture)
        own = _USUAL_NAMES.get(pair.method)
        yield refuse_in(
            pair,
            "spec.draft.uri",
            draft.uri,
            f"vLLM looks for a class {name} (architecture {architecture}) and has none",
            remedy if own is None else f"{remedy}; config.json of a head that it reads names {own}",
        )


def mtp(pair: Pair) -> Iterator[FieldError | Warned]:
    """Method MTP needs layers of a type that vLLM loads, in the target or apart from it."""
    if pair.method is not Method.MTP:
        return
    name, side = ("target", pair.target) if pair.draft is None else ("draft", pair.draft)
    facts = side.facts
    field = f"spec.{name}.uri"
    if mtp_types.WITH_DSPARK in (facts.model_type, pair.target.facts.model_type):
        yield refuse_in(
            pair,
            "spec.speculation.method",
            "MTP",
            f"models of type {mtp_types.WITH_DSPARK} hold DSpark stages, no MTP layers",
            "set method: DSpark",
        )
        return
    if facts.model_type is not None and not mtp_types.turns(side):
        yield refuse_in(
            pair,
            field,
            side.uri,
            f"vLLM has no MTP for models of type {facts.model_type}",
            "use another method",
        )
    if facts.mtp_layers is not None and facts.mtp_layers_in_files == 0:
        yield refuse(
            field,
            side.uri,
            f"the {name} declares {facts.mtp_layers} MTP layers and its files hold none",
            "use a copy that keeps the MTP layers",
        )


def turned_into_mtp(pair: Pair) -> Iterator[FieldError | Warned]:
    """vLLM takes some model types for their MTP layers wherever they stand as a draft."""
    draft = pair.draft
    if draft is None or pair.method is not Method.DRAFT_MODEL or draft.facts.kind == MTP:
        return
    if draft.facts.model_type is not None and mtp_types.turns(draft):
        yield refuse_in(
            pair,
            "spec.draft.uri",
            draft.uri,
            f"vLLM takes a draft of type {draft.facts.model_type} for the MTP layers of its target",
            "use method MTP without a draft if the target has such layers, or a draft of another "
            "type",
        )


def hybrid_draft(pair: Pair) -> Iterator[FieldError | Warned]:
    """Layers with a state: what they made of refused tokens cannot be taken back."""
    draft = pair.draft
    if draft is not None and pair.method is Method.DRAFT_MODEL and draft.facts.hybrid:
        yield Warned(
            "spec.draft.uri",
            "the draft has layers with a state (Mamba or linear attention), which vLLM does not "
            "wind back after tokens that the target refuses",
            "use a draft of attention layers alone",
        )
