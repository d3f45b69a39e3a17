"""What of a locked pair vLLM cannot serve: what the files show and the spec alone does not."""

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import Spec
from tandem_operator.engines.refusal import Refusal


def judge(spec: Spec, mixture_of_experts: bool) -> tuple[Refusal, ...]:
    """Data-parallel ranks of a mixture of experts run in lockstep: K cannot change live."""
    if not mixture_of_experts or spec.parallelism.data == 1:
        return ()
    return (
        Refusal(
            StalledReason.UNSUPPORTED_COMBINATION,
            "spec.parallelism.data",
            str(spec.parallelism.data),
            "vLLM cannot change K live in a mixture of experts with data parallelism",
            "use parallelism.tensor, or set parallelism.data: 1 and more replicas",
        ),
    )
