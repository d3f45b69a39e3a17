"""Whether target and draft are of the kinds that the method speaks of. Pure."""

from __future__ import annotations

from tandem_runtime.contract.request import ANY_METHOD
from tandem_runtime.lock.draft import draft_kinds
from tandem_runtime.lock.draft.draft_kinds import ADAPTER, HEADS, UNKNOWN, WITHOUT_TEXT, DraftKind
from tandem_runtime.lock.verdict import compare
from tandem_runtime.lock.verdict.compare import Comparison
from tandem_runtime.lock.verdict.inspect import Side

KIND_DIFFERS = "DraftKindDiffers"
NOT_A_MODEL = "NotAModel"


def evaluate(method: str, target: Side, draft: Side | None) -> Comparison | None:
    """What is wrong with the kinds, None for nothing that is known."""
    for name, side in (("target", target), ("draft", draft)):
        if side is not None and side.kind.kind == ADAPTER:
            return Comparison(
                compare.INCOMPATIBLE,
                NOT_A_MODEL,
                f"the {name}'s folder holds {ADAPTER.title} (adapter_config.json)",
                advice="merge it into its base model and name the merged folder",
            )
    of_target = target.kind.kind
    if of_target == WITHOUT_TEXT:
        return Comparison(
            compare.INCOMPATIBLE,
            NOT_A_MODEL,
            f"the target is {of_target.title} ({_named(target)})",
            advice="name a model that generates",
        )
    if of_target in HEADS and of_target.name != "MTP":
        return Comparison(
            compare.INCOMPATIBLE,
            NOT_A_MODEL,
            f"the target is {of_target.title}, no model that serves by itself",
            advice="name the model that it was made for in spec.target, and it in spec.draft",
        )
    return None if draft is None else _of_draft(method, draft)


def _of_draft(method: str, draft: Side) -> Comparison | None:
    kind = draft.kind.kind
    if kind is None or kind == ADAPTER:
        return None
    if draft.kind.contradiction is not None:
        return Comparison(
            compare.INCOMPATIBLE,
            KIND_DIFFERS,
            f"the draft contradicts itself: {draft.kind.contradiction}",
            advice="use the configuration that was published with these weights",
        )
    if kind == UNKNOWN:
        return Comparison(
            compare.UNKNOWN,
            KIND_DIFFERS,
            f"the draft is {kind.title} ({_named(draft)}), so nothing says which method takes it",
            advice="use a draft of a kind that docs/lock.md lists",
        )
    if draft_kinds.takes(method, kind.name) or (method == ANY_METHOD and kind.methods):
        return None
    return Comparison(
        compare.INCOMPATIBLE,
        KIND_DIFFERS,
        f"the draft is {kind.title} ({_named(draft)}), and {_taken_by(method)}",
        advice=_advice(kind),
    )


def _taken_by(method: str) -> str:
    if method == ANY_METHOD:
        return "no method takes it"
    titles = [kind.title for kind in draft_kinds.KINDS.values() if method in kind.methods]
    return f"method {method} takes {' or '.join(titles) or 'no draft'}"


def _advice(kind: DraftKind) -> str:
    if kind.methods:
        return f"set speculation.method: {' or '.join(kind.methods)}, or use another draft"
    return f"no method of this release takes {kind.title}: use another draft"


def _named(side: Side) -> str:
    """By what a person finds the kind in the files."""
    config = side.config or {}
    speculators = config.get("speculators_model_type")
    if isinstance(speculators, str):
        return f"speculators_model_type {speculators[:60]}"
    architecture = side.model.architecture
    if architecture is not None:
        return f"architecture {architecture[:60]}"
    model_type = config.get("model_type")
    return f"model_type {model_type[:60]}" if isinstance(model_type, str) else "by its tensors"
