"""What of a spec TensorRT-LLM cannot do, whichever the server."""

from collections.abc import Iterable

from tandem_operator.api import defaults
from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import Method, Spec
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.tensorrt_llm.image import version_of
from tandem_operator.engines.tensorrt_llm.methods import LACKING
from tandem_operator.engines.tensorrt_llm.rules.field_errors import unsupported
from tandem_runtime.contract.engines.tensorrt_llm import OLDEST


def validate(spec: Spec) -> Iterable[FieldError]:
    """Every refusal, in the order of the fields."""
    yield from _method(spec)
    yield from _image(spec)
    yield from _devices(spec)


def _method(spec: Spec) -> Iterable[FieldError]:
    speculation = spec.speculation
    if speculation.method in LACKING:
        message, remedy = LACKING[speculation.method]
        yield unsupported("speculation.method", speculation.method.value, message, remedy)
    if speculation.method is Method.MTP and spec.draft is not None:
        yield unsupported(
            "draft",
            spec.draft.uri,
            "TensorRT-LLM drafts with the layers in the target's own files",
            "remove draft, or use engine.type: vLLM",
        )
    if speculation.n_gram is not None and speculation.n_gram.min_lookup is not None:
        yield unsupported(
            "speculation.nGram.minLookup",
            speculation.n_gram.min_lookup,
            "TensorRT-LLM looks up every length from 1 to maxLookup",
            "remove minLookup",
        )
    size, tensor = speculation.draft_tensor_parallel, spec.parallelism.tensor
    if size not in (None, tensor):
        yield unsupported(
            "speculation.draftTensorParallel",
            size,
            "TensorRT-LLM cuts the draft as its target",
            f"remove it, or set {tensor}",
        )


def _image(spec: Spec) -> Iterable[FieldError]:
    version = version_of(spec.engine.image)
    if version is not None and version < OLDEST:
        least = ".".join(map(str, OLDEST))
        yield FieldError(
            StalledReason.UNSUPPORTED_ENGINE,
            "spec.engine.image",
            spec.engine.image or "",
            "its page tells no running requests, and its schedule of draft lengths has another "
            "meaning",
            f"use an image of TensorRT-LLM {least} or later; its release candidates are taken",
        )


def _devices(spec: Spec) -> Iterable[FieldError]:
    resource = defaults.accelerator_resource(spec)
    if resource is None:
        yield unsupported(
            "accelerator.resource",
            spec.accelerator.resource,
            "TensorRT-LLM computes on NVIDIA's GPUs alone",
            "remove it, or use engine.type: vLLM or Torch on a CPU",
        )
    if spec.parallelism.data > 1:
        yield unsupported(
            "parallelism.data",
            spec.parallelism.data,
            "one server of TensorRT-LLM has one copy of the model",
            "remove it and set spec.replicas",
        )
    count, needed = spec.accelerator.count, defaults.devices_used(spec)
    if count is not None and count < needed and resource == defaults.DEFAULT_RESOURCE:
        yield unsupported(
            "accelerator.count",
            count,
            f"parallelism takes {needed} devices",
            "remove count, or lower parallelism",
        )
