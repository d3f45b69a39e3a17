"""Triton with the torch engine in it: what of a spec it refuses, and how a pod of it is made."""

from tandem_operator.engines.triton.driver import DRIVER

__all__ = ["DRIVER"]
