"""Devices that an engine is not built for, by the names under which clusters offer them.

Only names that say the maker are judged: a resource of a cluster's own is the user's to know.
"""

from __future__ import annotations

from collections.abc import Mapping

from tandem_operator.api import defaults
from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import EngineType, Spec
from tandem_operator.engines.interface.field_error import FieldError

NVIDIA, AMD, NEURON = "nvidia.com/", "amd.com/", "aws.amazon.com/neuron"
MAKERS = {NVIDIA: "NVIDIA's GPUs", AMD: "AMD's GPUs", NEURON: "AWS's Neuron chips"}
BUILT_FOR: Mapping[EngineType, tuple[str, ...]] = {
    EngineType.VLLM: (NVIDIA, AMD),
    EngineType.TENSORRT_LLM: (NVIDIA,),
    EngineType.SGLANG: (NVIDIA, AMD),
    EngineType.NEURON: (NEURON,),
    EngineType.TORCH: (NVIDIA, AMD),
}
"""Torch computes on both under the name of CUDA."""


def validate(spec: Spec) -> tuple[FieldError, ...]:
    """A resource of a maker for whose devices the engine is not built."""
    resource = defaults.accelerator_resource(spec) or ""
    maker = next((each for each in MAKERS if resource.startswith(each)), None)
    engine = spec.engine.type
    built_for = BUILT_FOR.get(engine)
    if maker is None or built_for is None or maker in built_for:
        return ()
    others = [each.value for each, makers in BUILT_FOR.items() if maker in makers]
    built = " and ".join(MAKERS[each] for each in built_for)
    return (
        FieldError(
            StalledReason.UNSUPPORTED_COMBINATION,
            "spec.accelerator.resource",
            resource,
            f"{engine.value} computes on {built}",
            f"remove it, or use engine.type: {' or '.join(others)}",
        ),
    )
