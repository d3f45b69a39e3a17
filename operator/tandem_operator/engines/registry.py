"""The driver of each engine."""

from dataclasses import replace

from tandem_operator.api.spec import EngineType, Spec
from tandem_operator.engines import neuron, sglang, tensorrt_llm, torch, triton, vllm
from tandem_operator.engines.by_server import ByServer
from tandem_operator.engines.interface import accelerators, nodes
from tandem_operator.engines.interface.driver import Driver, StopsDrafting
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.pair_validation import PairValidation
from tandem_runtime.contract.report import PairReport

DRIVERS: dict[EngineType, Driver] = {
    EngineType.VLLM: vllm.DRIVER,
    EngineType.TENSORRT_LLM: tensorrt_llm.DRIVER,
    EngineType.SGLANG: sglang.DRIVER,
    EngineType.NEURON: neuron.DRIVER,
    EngineType.TORCH: ByServer(torch.DRIVER, triton.DRIVER),
}


def driver(engine: EngineType) -> Driver:
    """The driver of an engine; every engine has one."""
    return DRIVERS[engine]


def driven() -> tuple[EngineType, ...]:
    """The engines that this release drives."""
    return tuple(DRIVERS)


def may_stop_drafting(spec: Spec) -> bool:
    """Whether the spec's engine may end speculation for good by itself."""
    asked = driver(spec.engine.type)
    return isinstance(asked, StopsDrafting) and asked.stops_drafting(spec)


def refusals(asked: Driver, spec: Spec) -> tuple[FieldError, ...]:
    """What of the spec cannot be: the driver's own refusals, those of its devices, those of several
    pods."""
    errors = (*asked.validate(spec), *accelerators.validate(spec))
    fields = ("spec.parallelism", "spec.accelerator.count")
    if any(each.field.startswith(fields) for each in errors):
        return errors
    return (*errors, *nodes.validate(asked, spec))


def validate_pair(spec: Spec, report: PairReport) -> PairValidation:
    """Whether the spec's engine would start the pair: its rules of the spec and of the files."""
    asked = driver(spec.engine.type)
    validation = asked.validate_pair(spec, report)
    of_spec = refusals(asked, spec)
    more = tuple(each for each in validation.refusals if each not in of_spec)
    return replace(validation, refusals=(*of_spec, *more))
