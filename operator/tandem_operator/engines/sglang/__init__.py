"""SGLang: what it can do, what of a spec it refuses, and how it is started."""

from tandem_operator.engines.sglang.driver import DRIVER

__all__ = ["DRIVER"]
