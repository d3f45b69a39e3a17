"""How far beyond a border of the table a load must be before its range is left.

The engine reads tables so, and who writes them must know it.
"""

from __future__ import annotations

USUAL_PERCENT = 10
"""`hysteresisPercent` of a table that names none."""


def margin(border: int, percent: int = USUAL_PERCENT) -> int:
    """Requests beyond `border` that it takes to leave: `percent` of it, rounded up, at least 1."""
    return max(1, -(-border * percent // 100))
