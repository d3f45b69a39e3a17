"""Lengths: how many tokens of context are served, and how many the models know."""

from collections.abc import Iterator

from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.pair_validation import Warned
from tandem_operator.engines.vllm.facts.values import ROPE_TYPES
from tandem_operator.engines.vllm.pair_view import Pair, length, refuse, refuse_in

LONGER = "VLLM_ALLOW_LONG_MAX_MODEL_LEN"
_THRESHOLD, _BATCHED = "long-prefill-token-threshold", "max-num-batched-tokens"
_WHOLE = "--no-enable-chunked-prefill"
_DRAFT_FIELD = "spec.speculation.engineConfig.max_model_len"


def lengths(pair: Pair) -> Iterator[FieldError | Warned]:
    """Lengths that are asked for lie within those of the models."""
    given = pair.argument("max-model-len")
    asked = None if given is None else length(given)
    known = pair.target.facts.context_length
    allowed = any(
        each.name == LONGER and (each.value or "").strip().lower() in ("1", "true")
        for each in pair.spec.engine.env
    )
    if pair.target.facts.rope_type == "longrope":
        known = None  # what it was trained for, served where nothing is asked; it stretches further
    if asked is not None and known is not None and asked > known and not allowed:
        yield refuse(
            "spec.engine.args",
            f"--max-model-len={given}",
            f"the target's config.json allows {known} tokens",
            f"lower it, or set {LONGER}=1 in engine.env if the model is made for more",
        )
    limit = pair.config.get("max_model_len")
    if type(limit) is not int or pair.draft is None:
        return
    for name, most in (
        ("draft's config.json allows", pair.draft.facts.context_length),
        ("target serves", pair.served_length),
    ):
        if most is not None and limit > most:
            yield refuse(_DRAFT_FIELD, limit, f"the {name} {most} tokens", f"set {most} or less")


def steps(pair: Pair) -> Iterator[FieldError | Warned]:
    """Prompts and steps: a part of a prompt is within the length, a whole one within a step."""
    served, threshold = pair.served_length, pair.argument(_THRESHOLD)
    part = None if threshold is None else length(threshold)
    if served is not None and part is not None and part > served:
        yield refuse(
            "spec.engine.args",
            f"--{_THRESHOLD}={threshold}",
            f"the target serves {served} tokens",
            f"set {served} or less",
        )
    batched = pair.argument(_BATCHED)
    step = None if batched is None else length(batched)
    whole = pair.argument("enable-chunked-prefill") == _WHOLE
    if whole and served is not None and step is not None and step < served:
        yield refuse(
            "spec.engine.args",
            f"--{_BATCHED}={batched}",
            f"with {_WHOLE} a step takes whole prompts, and the target serves {served} tokens",
            f"remove {_WHOLE}, or set {served} or more",
        )


def rotary(pair: Pair) -> Iterator[FieldError | Warned]:
    """Kinds of rotary embedding: of one that it does not know vLLM builds no model."""
    for name, side in pair.sides.items():
        kind = side.facts.rope_type
        if kind is not None and kind not in ROPE_TYPES:
            yield refuse_in(
                pair,
                f"spec.{name}.uri",
                side.uri,
                f"vLLM has no rotary embedding of type {kind}",
                "use a copy whose config.json names a published rope_type",
            )


def draft_context(pair: Pair) -> Iterator[FieldError | Warned]:
    """A draft that ends before its target: beyond its end it drafts badly, or not at all."""
    if pair.draft is None or pair.draft.facts.kind == "Medusa":
        return
    ends, served = pair.draft.facts.context_length, pair.served_length
    if ends is None or served is None or ends >= served:
        return
    yield Warned(
        "spec.draft.uri",
        f"the draft ends at {ends} tokens and the target serves {served}: longer requests gain "
        "little or nothing from speculation",
        f"add --max-model-len={ends} to engine.args if no request is longer, or use a draft of a "
        "longer context",
    )
