"""From the lock's report to allowed or not; pure. Planning asks, nobody else."""

from tandem_operator.pair.judgement import REASONS, Judged, UnknownReportError, finding, judge, told

__all__ = ["REASONS", "Judged", "UnknownReportError", "finding", "judge", "told"]
