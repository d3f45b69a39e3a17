"""Depth: how many tokens the layers or heads of a draft were made for."""

from collections.abc import Iterator

from tandem_operator.api.spec import Method
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.pair_validation import Warned
from tandem_operator.engines.vllm.capability import capabilities_of
from tandem_operator.engines.vllm.facts import mtp_types
from tandem_operator.engines.vllm.pair_view import Pair, refuse

FIELD = "spec.speculation.maxTokens"


def depth(pair: Pair) -> Iterator[FieldError | Warned]:
    """MTP layers are run as a whole, again and again; Medusa has one head a token."""
    tokens = pair.spec.speculation.max_tokens
    if pair.method is Method.MEDUSA and pair.draft is not None:
        heads = pair.draft.facts.medusa_heads
        if heads is not None and tokens > heads:
            yield refuse(
                FIELD,
                tokens,
                f"the draft has {heads} Medusa heads, each for one token",
                f"set maxTokens: {heads} or less",
            )
        return
    side = pair.draft if pair.draft is not None else pair.target
    runs_mtp = pair.method is Method.MTP or (
        pair.method is Method.DRAFT_MODEL and pair.draft is not None and mtp_types.turns(side)
    )
    if capabilities_of(pair.spec, pair).by_step:
        return  # started with a multiple of the layers, whatever maxTokens says
    layers = mtp_types.layers(side) if runs_mtp else None
    if layers is None or tokens <= layers or tokens % layers == 0:
        return
    lower = tokens - tokens % layers
    yield refuse(
        FIELD,
        tokens,
        f"the model drafts with {layers} MTP layers, and vLLM runs all of them each time",
        f"set maxTokens: {lower} or {lower + layers}",
    )
