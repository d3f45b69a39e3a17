"""The project's own engine: what it can do, what of a spec it refuses, and how it is started."""

from tandem_operator.engines.torch.driver import DRIVER

__all__ = ["DRIVER"]
