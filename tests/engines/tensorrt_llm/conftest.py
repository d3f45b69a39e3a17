"""The real Triton of these tests."""

from tests.engines.triton.conftest import triton_environment

__all__ = ["triton_environment"]
