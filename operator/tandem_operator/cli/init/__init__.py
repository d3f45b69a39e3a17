"""`tandem init`: a manifest of a pair whose files were read here."""

from tandem_operator.cli.init.command import add_arguments, run

__all__ = ["add_arguments", "run"]
