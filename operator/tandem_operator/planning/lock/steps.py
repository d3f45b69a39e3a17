"""What may come of an input: it is locked, a Job inspects it, or it is refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tandem_operator.api.conditions import PairReason, StalledReason
from tandem_operator.api.status import Candidate
from tandem_operator.planning.children.revisions.revision import Revision
from tandem_operator.planning.plan import Asked, Sharing
from tandem_runtime.contract.report import PairReport

Object = dict[str, Any]


@dataclass(frozen=True)
class Accepted:
    """The input is locked. The revision may still have to be written."""

    revision: Revision


@dataclass(frozen=True)
class Locking:
    """A Job inspects, or shall be made (``job``); ``sharing`` where it does so for several.

    ``ask`` is what its Events would tell of why it waits.
    """

    candidate: Candidate
    message: str
    job: Object | None = None
    sharing: Sharing | None = None
    ask: Asked | None = None


@dataclass(frozen=True)
class Refused:
    """The input cannot be carried out.

    ``pair`` is the lock's reason when the pair itself is refused. ``retry_at`` is when a Job that
    could not inspect gives way to another; ``job`` the one that shall be made now. ``inspected``
    says that a Job tried, ``report`` is there when it could. ``sharing`` and ``ask`` as in Locking.
    """

    candidate: Candidate
    stalled: StalledReason
    message: str
    pair: PairReason | None = None
    retry_at: datetime | None = None
    job: Object | None = None
    inspected: bool = False
    report: PairReport | None = None
    sharing: Sharing | None = None
    ask: Asked | None = None


Step = Accepted | Locking | Refused
