"""Devices: how target and draft are cut."""

from collections.abc import Iterator

from tandem_operator.api.spec import Method
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.pair_validation import Warned
from tandem_operator.engines.vllm.pair_view import Pair, refuse
from tandem_runtime.contract.request import DRAFT


def heads(pair: Pair) -> Iterator[FieldError | Warned]:
    """Attention heads are dealt out evenly: vLLM refuses a size that does not divide them."""
    tensor = pair.spec.parallelism.tensor
    of_draft = pair.spec.speculation.draft_tensor_parallel
    for name, side in pair.sides.items():
        count = side.facts.attention_heads
        size = of_draft if name == DRAFT and of_draft is not None else tensor
        if count is None or side.facts.kind == "Medusa" or count % size == 0:
            continue
        field, remedy = "spec.parallelism.tensor", "use a size that divides them"
        if name == DRAFT and of_draft is not None:
            field = "spec.speculation.draftTensorParallel"
        elif name == DRAFT:
            remedy = "set speculation.draftTensorParallel: 1, or use another draft"
        yield refuse(field, size, f"the {name} has {count} attention heads", remedy)


def mapped_draft(pair: Pair) -> Iterator[FieldError | Warned]:
    """The V1 runner, which alone maps vocabularies, cuts a draft model as its target."""
    size, tensor = pair.spec.speculation.draft_tensor_parallel, pair.spec.parallelism.tensor
    if pair.method is Method.DRAFT_MODEL and pair.heterogeneous and size not in (None, tensor):
        yield refuse(
            "spec.speculation.draftTensorParallel",
            size,
            "with use_heterogeneous_vocab vLLM cuts the draft as its target",
            f"leave it out, or set {tensor}",
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
