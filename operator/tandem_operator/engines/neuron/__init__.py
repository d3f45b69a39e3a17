"""AWS Neuron, by vLLM with AWS's plugin: what it can do, what is refused, how it is started."""

from tandem_operator.engines.neuron.driver import DRIVER

__all__ = ["DRIVER"]
