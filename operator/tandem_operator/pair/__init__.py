"""From the lock's report to allowed or not; pure. Planning asks, nobody else."""

from tandem_operator.pair.judgement import (
    REASONS,
    Judged,
    UnknownReportError,
    finding,
    judge,
    message_of,
)

__all__ = ["REASONS", "Judged", "UnknownReportError", "finding", "judge", "message_of"]
