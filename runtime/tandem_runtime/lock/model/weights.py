"""Parameter count, bytes and dtype of the weights, from the headers of safetensors files alone."""

from __future__ import annotations

import math
import os
import struct
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.files import strict_json
from tandem_runtime.lock.files.folder import ModelFolder

SUFFIX = ".safetensors"
MAX_HEADER_BYTES = 32 << 20
MAX_FILES = 1_000
MAX_SHAPE = 16
MAX_VALUES = 1 << 50
"""Of one tensor: a thousand times the largest model."""
MAX_INTEGERS = 4_000_000
_INTEGERS = {"BOOL": "B", "U8": "B", "I32": "i", "I64": "q"}
_LENGTH_BYTES = 8
_BESIDE_A_WEIGHT = (
    "SCB", "activation_scale", "input_scale", "k_scale", "kv_scale", "v_scale",
    "weight_format", "weight_g_idx", "weight_global_scale", "input_global_scale", "weight_scale",
    "weight_scale_2", "weight_scale_inv", "weight_shape", "weight_zero_point",
)  # fmt: skip
_OF_FOUR_BITS = {"I32": 8, "U8": 2}
BITS_OF_DTYPE = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F4": 4, "F6_E2M3": 6,
    "F6_E3M2": 6, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "I64": 64, "U64": 64, "F64": 64, "C64": 64,
}  # fmt: skip


@dataclass(frozen=True)
class Tensor:
    """One tensor of a header; its data begins `start` bytes behind the header of `file`."""

    dtype: str
    shape: tuple[int, ...]
    size_bytes: int
    file: str = ""
    start: int = 0


@dataclass(frozen=True)
class Weights:
    """All weights of a model. `dtype` is the one that most bytes have.

    `parameters` counts weights, not the words that they are packed into, nor their scales.
    `tensors` is empty where a hub told the sums alone.
    """

    parameters: int
    size_bytes: int
    dtype: str | None
    tensors: Mapping[str, Tensor]


def read(folder: ModelFolder) -> Weights | None:
    """Tensors of the safetensors files that stand in the folder; None where there are none.

    Raises:
        RefusedError: a header that is no safetensors header.
    """
    names = [name for name in folder.names if name.endswith(SUFFIX)]
    present = [name for name in names if os.path.lexists(folder.root / name)]
    if not present:
        return None
    if len(present) > MAX_FILES:
        raise lock_errors.too_large(SUFFIX, f"{len(present)} files of weights")
    headers = [_header(folder, name) for name in present]
    read_tensors = joined((name, header) for name, header, _ in headers)
    _check_ends({name: size for name, _, size in headers}, read_tensors)
    return read_tensors


def _check_ends(data_bytes: Mapping[str, int], read_tensors: Weights | None) -> None:
    """A copy that broke off has its whole header, and no loader takes it."""
    ends: Counter[str] = Counter()
    for tensor in {} if read_tensors is None else read_tensors.tensors.values():
        ends[tensor.file] = max(ends[tensor.file], tensor.start + tensor.size_bytes)
    for name, end in ends.items():
        if data_bytes[name] < end:
            raise lock_errors.malformed(
                name,
                f"ends after {data_bytes[name]} of the {end} bytes that its header describes: a "
                "copy that broke off",
            )


def joined(headers: Iterable[tuple[str, Mapping[str, Any]]]) -> Weights | None:
    """The tensors of several decoded headers, each with its file's name. Raises RefusedError."""
    tensors: dict[str, Tensor] = {}
    for name, header in headers:
        for key, entry in header.items():
            if key != "__metadata__":
                tensors[key] = _tensor(name, key, entry)
    if not tensors:
        return None
    sizes: Counter[str] = Counter()
    for tensor in tensors.values():
        sizes[tensor.dtype] += tensor.size_bytes
    return Weights(
        parameters=parameters(tensors),
        size_bytes=sizes.total(),
        dtype=max(sizes, key=lambda dtype: (sizes[dtype], dtype)),
        tensors=tensors,
    )


def parameters(tensors: Mapping[str, Tensor]) -> int:
    """How many weights the tensors hold, whatever they are packed into; scales count nothing.

    By the names and shapes that GPTQ and AWQ (`qweight` with `qzeros` and `scales`), MXFP4
    (`_blocks` with `_scales`), compressed-tensors (`weight_packed`), NVFP4 (`weight_scale_2`), FP8
    (`weight_scale`, `weight_scale_inv`) and bitsandbytes (`weight.absmax`) write.
    """
    return sum(
        math.prod(tensor.shape) * _packed(tensors, name, tensor)
        for name, tensor in tensors.items()
        if not _beside_weights(tensors, name)
    )


def _beside_weights(tensors: Mapping[str, Tensor], name: str) -> bool:
    """Whether a tensor says how to read another one, or which ids a head has, and holds none."""
    if name in ("d2t", "t2d") or ".weight." in name:
        return True
    stem, _, last = name.rpartition(".")
    if f"{stem}.qweight" in tensors:
        return last in ("qzeros", "scales", "g_idx")
    if last.endswith("_scales"):
        return f"{name.removesuffix('_scales')}_blocks" in tensors
    return last in _BESIDE_A_WEIGHT


def _packed(tensors: Mapping[str, Tensor], name: str, tensor: Tensor) -> int:
    """How many weights one stored word holds."""
    stem, _, last = name.rpartition(".")
    if last == "qweight":
        zeros, scales = tensors.get(f"{stem}.qzeros"), tensors.get(f"{stem}.scales")
        if zeros and scales and zeros.shape and scales.shape and zeros.shape[-1]:
            return max(1, scales.shape[-1] // zeros.shape[-1])
        return _OF_FOUR_BITS.get(tensor.dtype, 1)
    if last == "weight_packed" or (last.endswith("_blocks") and tensor.dtype == "U8"):
        return _OF_FOUR_BITS.get(tensor.dtype, 1)
    if last == "weight" and tensor.dtype == "U8":
        four_bits = (f"{name}.quant_map", f"{stem}.weight_scale_2")
        return 2 if any(mark in tensors for mark in four_bits) else 1
    return 1


def integers(folder: ModelFolder, tensor: Tensor) -> list[int]:
    """The values of an integer tensor of at most MAX_INTEGERS. Raises RefusedError."""
    form = _INTEGERS.get(tensor.dtype)
    count = math.prod(tensor.shape)
    if form is None or count > MAX_INTEGERS:
        raise lock_errors.malformed(
            tensor.file, f"a table of {count} ids is of dtype {tensor.dtype}, no list of integers"
        )
    with folder.open(tensor.file) as file:
        header_bytes = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        file.seek(_LENGTH_BYTES + header_bytes + tensor.start)
        content = file.read(tensor.size_bytes)
    if len(content) != tensor.size_bytes:
        raise lock_errors.malformed(tensor.file, "ends within a tensor")
    return list(struct.unpack(f"<{count}{form}", content))


def _header(folder: ModelFolder, name: str) -> tuple[str, dict[str, Any], int]:
    """Its name, its decoded header, and how many bytes stand behind that."""
    with folder.open(name) as file:
        size = os.fstat(file.fileno()).st_size
        if size < _LENGTH_BYTES:
            raise lock_errors.malformed(name, f"holds {size} bytes, no weights")
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if length > MAX_HEADER_BYTES:
            raise lock_errors.malformed(name, f"a header of {length} bytes")
        content = file.read(length)
    if len(content) != length:
        raise lock_errors.malformed(name, "ends within its header")
    return name, header(name, content), size - _LENGTH_BYTES - length


def header(name: str, content: bytes) -> dict[str, Any]:
    """A decoded header. Raises RefusedError."""
    value = strict_json.decode(name, content)
    if not isinstance(value, dict):
        raise lock_errors.malformed(name, "its header is no object")
    return value


def _tensor(name: str, tensor: str, entry: object) -> Tensor:
    fields = entry if isinstance(entry, dict) else {}
    dtype, shape, offsets = fields.get("dtype"), fields.get("shape"), fields.get("data_offsets")
    if (
        not isinstance(dtype, str)
        or not isinstance(shape, list)
        or not isinstance(offsets, list)
        or len(offsets) != 2
        or not all(type(number) is int and number >= 0 for number in (*shape, *offsets))
    ):
        raise lock_errors.malformed(name, f"tensor {tensor[:60]!r} has no dtype, shape and offsets")
    if not all(number <= MAX_VALUES for number in (*shape, *offsets)) or len(shape) > MAX_SHAPE:
        raise lock_errors.malformed(name, f"tensor {tensor[:60]!r} is larger than any model")
    if math.prod(shape) > MAX_VALUES:
        raise lock_errors.malformed(name, f"tensor {tensor[:60]!r} is larger than any model")
    bits = BITS_OF_DTYPE.get(dtype)
    size = offsets[1] - offsets[0]
    if bits is not None and math.prod(shape) * bits != size * 8:
        raise lock_errors.malformed(name, f"tensor {tensor[:60]!r} does not fill its bytes")
    return Tensor(dtype, tuple(shape), size, name, offsets[0])
