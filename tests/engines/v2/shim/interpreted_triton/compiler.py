"""The half of the backend that would compile."""

from types import ModuleType
from typing import Any

from triton.backends.compiler import BaseBackend, GPUTarget

_REMEDY = "kernels are interpreted; set TRITON_INTERPRET=1"


class NoCompiler(BaseBackend):
    """Listed, and never asked to compile."""

    @staticmethod
    def supports_target(target: GPUTarget) -> bool:
        return target.backend == "cpu"

    def hash(self) -> str:
        return "interpreted"

    def parse_options(self, options: dict[str, Any]) -> object:
        raise NotImplementedError(_REMEDY)

    def add_stages(self, stages: dict[str, Any], options: object) -> None:
        raise NotImplementedError(_REMEDY)

    def load_dialects(self, context: Any) -> None:
        """There are none."""

    def get_module_map(self) -> dict[str, ModuleType]:
        return {}
