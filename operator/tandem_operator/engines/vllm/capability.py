"""A spec, and what the lock found of its models, as a question to the table of capabilities."""

from tandem_operator.api import defaults
from tandem_operator.api.spec import Spec
from tandem_operator.engines.vllm.image import version_of
from tandem_operator.engines.vllm.methods import METHODS
from tandem_runtime.contract import vllm_capabilities as table
from tandem_runtime.contract.model_facts import ModelFacts
from tandem_runtime.contract.report import PairReport
from tandem_runtime.contract.vllm_capabilities import Capabilities, Setup


def setup_of(spec: Spec, report: PairReport | None = None) -> Setup:
    """What the operator knows of the engine; without a report the pair is taken to be a plain one.

    The spec's method must be one of vLLM's.
    """
    speculation = spec.speculation
    config = speculation.engine_config or {}
    version = version_of(spec.engine.image)
    method = METHODS[speculation.method]
    runner = table.runner_of(
        version,
        method,
        accelerated=defaults.accelerator_resource(spec) is not None,
        asked=None if spec.engine.model_runner is None else spec.engine.model_runner.value,
        heterogeneous_vocabulary=bool(config.get("use_heterogeneous_vocab")),
    )
    return Setup(
        version=version,
        runner=runner,
        method=method,
        state=table.DENSE if report is None else _state(report.target.facts),
        modules=_modules(spec, report),
        parallel_drafting=method in table.DRAFT_IN_PARALLEL,
        adaptive_verification=bool(config.get("enable_adaptive_verification")),
        pipeline=spec.parallelism.pipeline,
        data=spec.parallelism.data,
        mixture_of_experts=report is not None and report.target.mixture_of_experts is not None,
        drafter_follows=table.plugin_follows(version, runner, method),
    )


def capabilities_of(spec: Spec, report: PairReport | None = None) -> Capabilities:
    """What vLLM does with a changing K for this spec."""
    return table.capabilities(setup_of(spec, report))


def _state(facts: ModelFacts) -> str:
    return table.state_of(facts.hybrid, facts.text_type or facts.model_type)


def _modules(spec: Spec, report: PairReport | None) -> int:
    """Modules of multi-token prediction: the draft's where there is one, else the target's."""
    if report is None:
        return 1
    side = report.target if report.draft is None else report.draft
    return min(side.facts.mtp_layers or 1, spec.speculation.max_tokens)
