"""Devices: how target and draft are cut."""

from collections.abc import Iterator

from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.pair_validation import Warned
from tandem_operator.engines.vllm.capability import setup_of
from tandem_operator.engines.vllm.pair_view import Pair, refuse
from tandem_runtime.contract.engines.vllm_capabilities import V2
from tandem_runtime.contract.report import SideReport
from tandem_runtime.contract.request import DRAFT

_ROWS_OF = 64
"""vLLM pads a table's rows to a multiple of this before it deals them out."""
_EXPERTS = "enable-expert-parallel"


def dealt_out(pair: Pair) -> Iterator[FieldError | Warned]:
    """Heads, rows and the MLP are dealt out evenly: vLLM ends where a size does not divide them."""
    tensor = pair.spec.parallelism.tensor
    of_draft = pair.spec.speculation.draft_tensor_parallel
    for name, side in pair.sides.items():
        own = name == DRAFT and of_draft is not None
        size = of_draft if own and of_draft is not None else tensor
        uneven = None if side.facts.kind == "Medusa" else _uneven(side, size)
        if uneven is None:
            continue
        field, remedy = "spec.parallelism.tensor", "use a size that divides them"
        if own:
            field = "spec.speculation.draftTensorParallel"
        elif name == DRAFT and _may_stand_alone(pair):
            remedy = "set speculation.draftTensorParallel: 1, or use another draft"
        elif name == DRAFT:
            remedy = "use a size that divides them, or another draft"
        yield refuse(field, size, f"the {name} has {uneven}", remedy)


def _uneven(side: SideReport, size: int) -> str | None:
    """What of a model `size` devices cannot share evenly, in words; None for nothing known."""
    facts = side.facts
    if facts.attention_heads is not None and facts.attention_heads % size:
        return f"{facts.attention_heads} attention heads"
    if facts.kv_heads is not None and facts.kv_heads % size and size % facts.kv_heads:
        return f"{facts.kv_heads} heads of keys and values"
    width = facts.intermediate_size
    if width is not None and side.mixture_of_experts is None and width % size:
        return f"an MLP of {width}"
    rows = side.config_vocab_size
    if rows is not None and -(-rows // _ROWS_OF) * _ROWS_OF % size:
        return f"{rows} rows"
    return None


def _may_stand_alone(pair: Pair) -> bool:
    """Whether a draft may run on one device beside a target on several."""
    setup = setup_of(pair.spec, pair)
    return setup.method != "draft_model" or setup.runner == V2


def experts(pair: Pair) -> Iterator[FieldError | Warned]:
    """Experts can be dealt out only where there are some."""
    asked = pair.argument(_EXPERTS) == f"--{_EXPERTS}" or pair.argument(_EXPERTS) == "-ep"
    if asked and pair.target.architecture is not None and pair.target.mixture_of_experts is None:
        yield refuse(
            "spec.engine.args",
            f"--{_EXPERTS}",
            "the target is no mixture of experts, and vLLM does not start it so",
            "remove it",
        )


def lockstep(pair: Pair) -> Iterator[FieldError | Warned]:
    """Data-parallel ranks of a mixture of experts run in lockstep: K cannot change live."""
    if pair.target.mixture_of_experts is None or pair.spec.parallelism.data == 1:
        return
    yield refuse(
        "spec.parallelism.data",
        pair.spec.parallelism.data,
        "vLLM cannot change K live in a mixture of experts with data parallelism",
        "use parallelism.tensor, or set parallelism.data: 1 and more replicas",
    )
