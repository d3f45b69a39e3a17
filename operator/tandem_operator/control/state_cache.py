"""What tuners learned before, as `<name>-tuner` keeps it: the newest state, a few earlier ones.

A state holds for one lock and one shape of engine alone. Going back to an engine that served
before, or beginning with one that another resource of the namespace serves already, starts from
its state.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tandem_operator.planning.children.config_maps import tuner_state

Object = dict[str, Any]

MOST_EARLIER = 3


@dataclass(frozen=True)
class Kept:
    """A learned state as JSON, and what it was learned of."""

    lock: str
    shape: str
    state_json: str

    def of(self, lock: str, shape: str) -> bool:
        return (self.lock, self.shape) == (lock, shape)


@dataclass(frozen=True)
class Remembered:
    """What a learner begins with. ``stored``: `<name>-tuner` holds state and records as here."""

    state_json: str | None = None
    records_json: str | None = None
    earlier: tuple[Kept, ...] = ()
    stored: bool = False


def kept_in(config_map: Object) -> tuple[Kept, ...]:
    """The states in one `<name>-tuner`, newest first; what cannot be read is left out."""
    data = config_map.get("data") or {}
    states = []
    if tuner_state.STATE_KEY in data:
        states.append(
            Kept(
                str(data.get(tuner_state.LOCK_KEY)),
                str(data.get(tuner_state.SHAPE_KEY)),
                str(data[tuner_state.STATE_KEY]),
            )
        )
    return (*states, *earlier_from_json(str(data.get(tuner_state.EARLIER_KEY, "[]"))))


def state_of(kept: Iterable[Kept], lock: str, shape: str) -> str | None:
    """The first state that was learned of just these engines."""
    return next((each.state_json for each in kept if each.of(lock, shape)), None)


def remembered(
    lock: str,
    shape: str,
    own: Object | None,
    former: Kept | None,
    former_earlier: tuple[Kept, ...],
    others: Iterable[Object],
) -> Remembered:
    """All that is known of such engines.

    Args:
        own: the resource's own `<name>-tuner`.
        former: what the learner before this one leaves, and ``former_earlier`` what it was left.
        others: `<name>-tuner` of other resources of the namespace, asked last.
    """
    data = (own or {}).get("data") or {}
    written = () if own is None else kept_in(own)
    earlier = former_earlier or written
    if former is not None:
        earlier = with_earlier(earlier, former)
    state = state_of(earlier, lock, shape)
    if state is None:
        state = next(filter(None, (state_of(kept_in(each), lock, shape) for each in others)), None)
    stored = bool(written) and former is None and written[0].of(lock, shape)
    return Remembered(
        state_json=state,
        # Records tell of a pair, whatever serves it.
        records_json=data.get(tuner_state.RECORDS_KEY)
        if data.get(tuner_state.LOCK_KEY) == lock
        else None,
        earlier=tuple(each for each in earlier if not each.of(lock, shape))[:MOST_EARLIER],
        stored=stored,
    )


def with_earlier(earlier: tuple[Kept, ...], former: Kept) -> tuple[Kept, ...]:
    """``former`` put before the others, one state of each engine, few enough to keep."""
    others = tuple(each for each in earlier if not each.of(former.lock, former.shape))
    return (former, *others)[:MOST_EARLIER]


def earlier_to_json(earlier: tuple[Kept, ...]) -> str:
    entries = [
        {"lock": each.lock, "shape": each.shape, "state": each.state_json} for each in earlier
    ]
    return json.dumps(entries, separators=(",", ":"))


def earlier_from_json(text: str) -> tuple[Kept, ...]:
    """What `earlier_to_json` wrote; a damaged value is dropped, since it only saves minutes."""
    try:
        entries = json.loads(text)
        return tuple(
            Kept(str(each["lock"]), str(each["shape"]), str(each["state"])) for each in entries
        )
    except (ValueError, TypeError, KeyError):
        return ()
