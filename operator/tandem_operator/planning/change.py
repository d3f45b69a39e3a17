"""Whether a child must be written: only a difference in the operator's own fields counts.

Each child carries a digest of what was last applied. It tells that a field is to be let go of,
which comparing with the live object cannot; comparing tells what others changed.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from tandem_operator.api import names
from tandem_operator.planning import template
from tandem_operator.planning.plan import Apply

Object = dict[str, Any]

ANNOTATION_APPLIED = f"{names.GROUP}/applied"

_QUANTITY = re.compile(r"^([+-]?[0-9]+\.?[0-9]*)([eE][+-]?[0-9]+|Ki|[numkMGTPE]|[MGTPE]i)?$")
_SCALE = {
    "n": Decimal(10) ** -9,
    "u": Decimal(10) ** -6,
    "m": Decimal(10) ** -3,
    "k": Decimal(10) ** 3,
    **{unit: Decimal(10) ** (3 * (place + 2)) for place, unit in enumerate("MGTPE")},
    **{f"{unit}i": Decimal(1024) ** (place + 1) for place, unit in enumerate("KMGTPE")},
}


def stamped(body: Object) -> Object:
    """The body with the digest of itself as an annotation."""
    metadata = body["metadata"]
    annotations = {**metadata.get("annotations", {}), ANNOTATION_APPLIED: names.digest(body)}
    return {**body, "metadata": {**metadata, "annotations": annotations}}


def to_apply(body: Object, existing: Object | None, *, guarded: bool = False) -> Apply | None:
    """The write that brings `existing` to `body`, or None when it is there already.

    `guarded`: the write fails when anybody changed the object since it was read.
    """
    wanted = stamped(body)
    if existing is None:
        return Apply(wanted)
    if holds(existing, wanted):
        return None
    metadata = existing["metadata"]
    return Apply(
        wanted,
        uid=metadata["uid"],
        resource_version=metadata.get("resourceVersion") if guarded else None,
    )


def holds(existing: Any, wanted: Any, path: tuple[str, ...] = ()) -> bool:
    """Whether every field of `wanted` stands in `existing` with the same value.

    Quantities are equal when their amounts are; lists with a published merge key are compared by
    key, as the API server merges them; what others added is not looked at. The API server leaves
    out fields that hold their type's zero value, so absent and zero are the same.
    """
    if isinstance(wanted, dict):
        return isinstance(existing, dict) and all(
            (key in existing and holds(existing[key], value, (*path, key)))
            or (key not in existing and not value)
            for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        if not isinstance(existing, list):
            return False
        keys = template.merge_keys(path, wanted)
        if keys:
            by_key = {template.key_of(entry, keys): entry for entry in existing}
            return all(
                holds(by_key.get(template.key_of(entry, keys)), entry, path) for entry in wanted
            )
        return len(existing) == len(wanted) and all(
            holds(have, want, path) for have, want in zip(existing, wanted, strict=True)
        )
    if existing == wanted and isinstance(existing, bool) == isinstance(wanted, bool):
        return True
    return _is_quantity(path) and same_amount(existing, wanted)


def _is_quantity(path: tuple[str, ...]) -> bool:
    return (path and path[-1] == "sizeLimit") or (
        len(path) > 1 and path[-2] in ("limits", "requests")
    )


def same_amount(one: Any, other: Any) -> bool:
    """Whether two quantities are the same amount: `1000m` and `1`, `1Gi` and `1024Mi`."""
    amounts = [_amount(value) for value in (one, other)]
    return amounts[0] is not None and amounts[0] == amounts[1]


def _amount(value: Any) -> Decimal | None:
    found = _QUANTITY.match(str(value))
    if found is None or isinstance(value, bool):
        return None
    number, unit = found.groups()
    if unit is None:
        return Decimal(number)
    if unit in _SCALE:
        return Decimal(number) * _SCALE[unit]
    return Decimal(number + unit)
