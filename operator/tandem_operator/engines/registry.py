"""The driver of each engine, read in for the first resource that names the engine."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from tandem_operator.api.spec import EngineType, Spec
from tandem_operator.engines.interface import accelerators, nodes
from tandem_operator.engines.interface.driver import Driver, StopsDrafting
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.pair_validation import PairValidation
from tandem_runtime.contract.report import PairReport


def _vllm() -> Driver:
    from tandem_operator.engines import vllm

    return vllm.DRIVER


def _tensorrt_llm() -> Driver:
    from tandem_operator.engines import tensorrt_llm

    return tensorrt_llm.DRIVER


def _sglang() -> Driver:
    from tandem_operator.engines import sglang

    return sglang.DRIVER


def _neuron() -> Driver:
    from tandem_operator.engines import neuron

    return neuron.DRIVER


def _torch() -> Driver:
    from tandem_operator.engines import torch, triton
    from tandem_operator.engines.by_server import ByServer

    return ByServer(torch.DRIVER, triton.DRIVER)


DRIVERS: Mapping[EngineType, Callable[[], Driver]] = {
    EngineType.VLLM: _vllm,
    EngineType.TENSORRT_LLM: _tensorrt_llm,
    EngineType.SGLANG: _sglang,
    EngineType.NEURON: _neuron,
    EngineType.TORCH: _torch,
}


def driver(engine: EngineType) -> Driver:
    """The driver of an engine; every engine has one."""
    return DRIVERS[engine]()


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
