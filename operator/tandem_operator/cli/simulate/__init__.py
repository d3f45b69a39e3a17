"""`tandem simulate`: policies on a trace or at a fixed concurrency, latency first."""

from tandem_operator.cli.simulate.command import add_arguments, run

__all__ = ["add_arguments", "run"]
