"""Facts of the torch engine that the operator calculates with."""

from __future__ import annotations

import numpy as np

from tandem_runtime.contract.engines import torch_engine


def test_a_number_takes_as_many_bytes_as_its_type_has() -> None:
    assert {
        "float32": np.dtype("float32").itemsize,
        "float16": np.dtype("float16").itemsize,
        "bfloat16": np.dtype("float16").itemsize,  # as wide; numpy has no bfloat16
    } == torch_engine.DTYPE_BYTES


def test_the_usual_type_is_one_of_them() -> None:
    assert torch_engine.DTYPE in torch_engine.DTYPE_BYTES
