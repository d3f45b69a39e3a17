"""`tandem plan`: what the operator would make of manifests, without a cluster."""

from tandem_operator.cli.plan.command import add_arguments, run

__all__ = ["add_arguments", "run"]
