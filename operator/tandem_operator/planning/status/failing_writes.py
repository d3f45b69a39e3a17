"""Writes that fail again and again, although the API server does not refuse them for good."""

from __future__ import annotations

from collections.abc import Iterable

from tandem_operator.planning.children.placement import CONFLICT, REFUSED_CODES
from tandem_operator.planning.plan import Apply, Remove
from tandem_operator.planning.snapshot import Snapshot

PATIENCE_S = 5.0
"""A failure that is over sooner is nobody's business: a conflict, a server that starts."""


def messages(
    snapshot: Snapshot, applies: Iterable[Apply], removes: Iterable[Remove]
) -> tuple[str, ...]:
    """One text for each of these writes that has failed for a while, in the server's words."""
    references = {each.reference for each in applies} | {each.reference for each in removes}
    return tuple(
        f"{failure.reference.kind} {failure.reference.name} cannot be written: {failure.message}"
        for failure in snapshot.failures
        if failure.reference in references
        and failure.code not in (CONFLICT, *REFUSED_CODES)
        and (snapshot.now - failure.at).total_seconds() >= PATIENCE_S
    )
