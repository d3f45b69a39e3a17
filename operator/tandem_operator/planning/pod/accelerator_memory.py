"""Whether a pair can fit the devices that the administrator described.

A lower bound, so that nothing that works is refused: weights as they are stored, the KV cache of
one short context, and nothing for activations, graphs or the engine's own reserve.
"""

from __future__ import annotations

from tandem_operator.api.conditions import StalledReason
from tandem_operator.engines.interface import nodes
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.installation import Installation
from tandem_operator.engines.interface.pair_validation import DeviceNeed
from tandem_operator.engines.pod import flags
from tandem_operator.planning.resource import Resource
from tandem_runtime.contract.report import PairReport, SideReport

GIB = 1 << 30
MINIMUM_CONTEXT_TOKENS = 2_048
"""Less cache than for one such context serves nobody; a smaller --max-model-len is enough."""
CONTEXT_FLAG = "max-model-len"
CHANGED_AT_LOADING = ("cpu-offload-gb", "dtype", "kv-cache-dtype", "load-format", "quantization")
SHORT_CHANGED_AT_LOADING = "-q"
"""Options by which the files no longer tell what is kept on the device."""
HALVED_DTYPES = ("F32", "float32")
"""Engines load these at 16 bits unless `dtype` says otherwise."""


def validate(
    resource: Resource,
    report: PairReport,
    installation: Installation,
    need: DeviceNeed | None = None,
) -> tuple[FieldError, ...]:
    """A refusal with its sum when the pair cannot fit; what is not known counts as nothing.

    `need` is what the engine says that it holds, None where the files tell it.
    """
    capacity_bytes = _capacity_bytes(resource, report, installation)
    need = need or _need_by_files(resource.spec.engine.args, report)
    if capacity_bytes is None or need is None:
        return ()
    parts, needed_bytes = need.parts, sum(need.parts.values())
    if needed_bytes <= capacity_bytes:
        return ()
    terms = " + ".join(f"{name} {_gib(size)}" for name, size in parts.items() if size)
    return (
        FieldError(
            StalledReason.INSUFFICIENT_MEMORY,
            "spec.accelerator",
            f"{resource.values.accelerator_count} x {resource.values.accelerator_resource}",
            f"{terms} = {_gib(needed_bytes)} at least, and one copy of the model has "
            f"{_gib(capacity_bytes)}, {basis(resource, installation)}",
            need.remedy,
        ),
    )


def _need_by_files(arguments: tuple[str, ...], report: PairReport) -> DeviceNeed | None:
    if _changed_at_loading(arguments):
        return None
    tokens = _context_tokens(arguments)
    return DeviceNeed(
        {
            "target": _weight_bytes(report.target),
            "draft": _weight_bytes(report.draft),
            f"KV cache of {tokens} tokens": tokens * _cache_bytes_per_token(report),
        },
        "raise accelerator.count and parallelism.tensor, or take a smaller or quantized model",
    )


def basis(resource: Resource, installation: Installation) -> str:
    """What the administrator said of the device, in the words of the refusal."""
    name = resource.values.accelerator_resource or ""
    size = installation.memory_bytes.get(name)
    return "of unknown size" if size is None else f"{_gib(size)} a device"


def _capacity_bytes(
    resource: Resource, report: PairReport, installation: Installation
) -> int | None:
    """Memory of the devices over which one copy of the weights is spread, in bytes, on all nodes.

    Data-parallel ranks hold a copy each; of a mixture of experts they may share the experts, so
    there all devices count.
    """
    values, parallelism = resource.values, resource.spec.parallelism
    device_bytes = installation.memory_bytes.get(values.accelerator_resource or "")
    if device_bytes is None:
        return None
    devices = values.accelerator_count * nodes.asked(resource.spec)
    if report.target.mixture_of_experts is None:
        devices = max(1, devices // parallelism.data)
    return device_bytes * devices


def _weight_bytes(side: SideReport | None) -> int:
    if side is None or side.weight_bytes is None:
        return 0
    return side.weight_bytes // 2 if side.dtype in HALVED_DTYPES else side.weight_bytes


def _cache_bytes_per_token(report: PairReport) -> int:
    sides = (report.target, report.draft)
    return sum(
        (side.kv_bytes_per_token or 0) // (2 if side.dtype in HALVED_DTYPES else 1)
        for side in sides
        if side is not None
    )


def _context_tokens(arguments: tuple[str, ...]) -> int:
    asked = flags.value_of(arguments, CONTEXT_FLAG)
    if asked is not None and asked.isdecimal():
        return min(int(asked), MINIMUM_CONTEXT_TOKENS)
    return MINIMUM_CONTEXT_TOKENS


def _changed_at_loading(arguments: tuple[str, ...]) -> bool:
    names = (argument.partition("=")[0].replace("_", "-") for argument in arguments)
    return any(
        name.startswith(SHORT_CHANGED_AT_LOADING)
        or (name.startswith("--") and name[2:] in CHANGED_AT_LOADING)
        for name in names
    )


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / GIB:.1f} GiB"
