"""What a report of the lock means under a policy; this address does not move with planning."""

from tandem_operator.planning.lock.assessment import Assessed, assess

__all__ = ["Assessed", "judge"]

judge = assess
