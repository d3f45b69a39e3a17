"""What of a locked pair vLLM cannot serve: what the files show and the spec alone does not."""

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import Spec
from tandem_operator.engines.pair_judgement import PairJudgement
from tandem_operator.engines.refusal import Refusal
from tandem_runtime.contract.report import PairReport


def judge(spec: Spec, report: PairReport) -> PairJudgement:
    """Every rule, in order."""
    return PairJudgement(_lockstep(spec, report))


def _lockstep(spec: Spec, report: PairReport) -> tuple[Refusal, ...]:
    """Data-parallel ranks of a mixture of experts run in lockstep: K cannot change live."""
    if report.target.mixture_of_experts is None or spec.parallelism.data == 1:
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
