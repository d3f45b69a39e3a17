"""Vocabularies: vLLM compares rows of the tables, not tokens."""

from collections.abc import Iterator

from tandem_operator.api.spec import Method
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.pair_validation import Warned
from tandem_operator.engines.vllm.facts import mtp_types
from tandem_operator.engines.vllm.pair_view import Pair, refuse

KEY = "use_heterogeneous_vocab"
FIELD = f"spec.speculation.engineConfig.{KEY}"


def rows(pair: Pair) -> Iterator[FieldError | Warned]:
    """Different rows: refused unless vLLM is told to map one vocabulary to the other.

    The key is the user's to set: it costs vLLM's newer runner, so it never comes by itself.
    """
    draft = pair.draft
    if draft is None or pair.method is not Method.DRAFT_MODEL or mtp_types.turns(draft):
        return
    if pair.heterogeneous:
        yield Warned(
            FIELD,
            "vLLM maps the vocabularies onto each other, which its V2 model runner cannot: it "
            "takes the V1 runner",
            "leave it out where target and draft have the same rows",
        )
        return
    one, two = pair.target.config_vocab_size, draft.config_vocab_size
    if one is None or two is None or one == two:
        return
    yield refuse(
        "spec.draft.uri",
        draft.uri,
        f"vLLM compares vocab_size: the target has {one} rows, the draft {two}",
        f"set speculation.engineConfig.{KEY}: true (vLLM then takes its V1 model runner), or use a "
        "draft of as many rows",
    )


def mapping(pair: Pair) -> Iterator[FieldError | Warned]:
    """The mapping is for draft models, whose tokens are taken greedily."""
    if not pair.heterogeneous:
        return
    turned = pair.draft is not None and mtp_types.turns(pair.draft)
    if pair.method is not Method.DRAFT_MODEL or turned:
        yield refuse(FIELD, "true", "vLLM maps vocabularies for draft models alone", "remove it")
    sampling = pair.config.get("draft_sample_method", "greedy")
    if sampling != "greedy":
        yield refuse(
            "spec.speculation.engineConfig.draft_sample_method",
            sampling,
            f"with {KEY} vLLM drafts greedily",
            "set greedy, or leave it out",
        )
