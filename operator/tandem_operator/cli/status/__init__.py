"""`tandem status`: what serves, with which K, and what is not as it should be."""

from tandem_operator.cli.status.command import add_arguments, run

__all__ = ["add_arguments", "run"]
