"""What of a spec vLLM on Neuron cannot do, and what of it is the operator's to set."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tandem_operator.api import defaults
from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import Spec
from tandem_operator.engines import fixed_depth
from tandem_operator.engines.fixed_depth import unsupported
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.neuron.image import OLDEST, version_of
from tandem_operator.engines.neuron.methods import LACKING
from tandem_operator.engines.pod import arguments
from tandem_operator.engines.vllm.flags import OWNED_FLAGS

WHY = "Neuron compiles its programs for one K when it starts"


def validate(spec: Spec) -> Iterator[FieldError]:
    """Every refusal, in the order of the fields."""
    yield from _method(spec)
    yield from _image(spec)
    yield from _devices(spec)
    yield from fixed_depth.validate(spec, "vLLM on Neuron", WHY, measured=True)
    for key, value in (spec.speculation.engine_config or {}).items():
        yield FieldError(
            StalledReason.INVALID_ARGUMENTS,
            f"spec.speculation.engineConfig.{key}",
            json.dumps(value),
            "this release passes no further settings of speculation to Neuron",
            "remove it; settings of Neuron itself go into engine.args as --additional-config",
        )
    yield from arguments.validate(spec, OWNED_FLAGS)


def _method(spec: Spec) -> Iterator[FieldError]:
    speculation = spec.speculation
    if speculation.method in LACKING:
        message, remedy = LACKING[speculation.method]
        yield unsupported("speculation.method", speculation.method.value, message, remedy)
    size, tensor = speculation.draft_tensor_parallel, spec.parallelism.tensor
    if size not in (None, tensor):
        yield unsupported(
            "speculation.draftTensorParallel",
            size,
            "the draft is compiled for the cores of its target",
            f"remove it, or set {tensor}",
        )


def _image(spec: Spec) -> Iterator[FieldError]:
    version = version_of(spec.engine.image)
    if version is not None and version < OLDEST:
        yield FieldError(
            StalledReason.UNSUPPORTED_ENGINE,
            "spec.engine.image",
            spec.engine.image or "",
            "it has no EAGLE-3: that came with AWS's plugin of Neuron 2.31",
            f"use an image of vLLM {OLDEST[0]}.{OLDEST[1]} or later",
        )


def _devices(spec: Spec) -> Iterator[FieldError]:
    if defaults.accelerator_resource(spec) is None:
        yield unsupported(
            "accelerator.resource",
            spec.accelerator.resource,
            "Neuron computes on AWS's chips alone",
            "remove it, or use engine.type: vLLM on a CPU",
        )
    for name in ("pipeline", "data"):
        size = getattr(spec.parallelism, name)
        if size > 1:
            yield unsupported(
                f"parallelism.{name}",
                size,
                "this release drives one copy of the model over the cores of one node",
                f"set {name}: 1 and raise parallelism.tensor or spec.replicas",
            )
