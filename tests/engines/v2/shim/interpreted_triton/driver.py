"""The half of the backend that stands for the device."""

from typing import Any

import torch
from triton.backends.compiler import GPUTarget
from triton.backends.driver import DriverBase


class NoDevice(DriverBase):
    """One device, the CPU, on which nothing is launched."""

    @classmethod
    def is_active(cls) -> bool:
        return True

    def get_current_target(self) -> GPUTarget:
        return GPUTarget(backend="cpu", arch=0, warp_size=1)

    def get_active_torch_device(self) -> torch.device:
        return torch.device("cpu")

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, _device: int = 0) -> int:
        return 0

    def set_current_device(self, _device: int) -> None:
        """There is only one."""

    def map_python_to_cpp_type(self, ty: str) -> str:
        raise NotImplementedError(f"{ty}: kernels are interpreted; set TRITON_INTERPRET=1")

    def get_benchmarker(self) -> Any:
        raise NotImplementedError("an interpreted kernel's time says nothing")
