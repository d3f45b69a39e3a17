"""A spec, and what the lock found of its models, as a question to the table of capabilities."""

from typing import Protocol

from tandem_operator.api import defaults
from tandem_operator.api.spec import Method, Spec
from tandem_operator.engines.vllm.facts import config_keys, mtp_types
from tandem_operator.engines.vllm.facts.methods import METHODS
from tandem_operator.engines.vllm.image import version_of
from tandem_runtime.contract.engines import vllm_capabilities as table
from tandem_runtime.contract.engines.vllm_capabilities import Capabilities, Setup
from tandem_runtime.contract.model_facts import ModelFacts
from tandem_runtime.contract.report import SideReport


class Pair(Protocol):
    """What the lock found of both models; the draft only where the method has one."""

    @property
    def target(self) -> SideReport: ...

    @property
    def draft(self) -> SideReport | None: ...


def setup_of(spec: Spec, report: Pair | None = None) -> Setup:
    """What the operator knows of the engine; without a report the pair is taken to be a plain one.

    The spec's method must be one of vLLM's.
    """
    speculation = spec.speculation
    config = config_keys.read(speculation.engine_config)
    version = version_of(spec.engine.image)
    method = "mtp" if _runs_mtp(spec, report) else METHODS[speculation.method]
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


def capabilities_of(spec: Spec, report: Pair | None = None) -> Capabilities:
    """What vLLM does with a changing K for this spec."""
    return table.capabilities(setup_of(spec, report))


def _state(facts: ModelFacts) -> str:
    return table.state_of(facts.hybrid, facts.text_type or facts.model_type)


def _runs_mtp(spec: Spec, report: Pair | None) -> bool:
    """Whether MTP modules draft: by their method, or because vLLM takes a draft model for them."""
    if spec.speculation.method is Method.MTP:
        return True
    if report is None or report.draft is None:
        return False
    return spec.speculation.method is Method.DRAFT_MODEL and mtp_types.turns(report.draft)


def _modules(spec: Spec, report: Pair | None) -> int:
    """MTP modules that draft one after the other: the draft's where there is one."""
    if report is None or not _runs_mtp(spec, report):
        return 1
    side = report.target if report.draft is None else report.draft
    return min(mtp_types.layers(side) or 1, spec.speculation.max_tokens)
