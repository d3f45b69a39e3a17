"""Whether a child must be written: only a difference in the operator's own fields counts.

Each child carries a digest of what was last applied. It tells that a field is to be let go of,
which comparing with the live object cannot; comparing tells what others changed, and who owns the
field whether that was admission, in the operator's own write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tandem_operator.api import names
from tandem_operator.planning import managed_fields
from tandem_operator.planning.managed_fields import Item, Path
from tandem_operator.planning.plan import Apply
from tandem_operator.planning.pod import merge as template_merge

Object = dict[str, Any]

SELECTOR = "selector"
"""A field that is compared as a whole, as the API server applies it."""

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
    annotations = {**metadata.get("annotations", {}), names.ANNOTATION_APPLIED: names.digest(body)}
    return {**body, "metadata": {**metadata, "annotations": annotations}}


@dataclass(frozen=True)
class Difference:
    """One field of a wanted body that stands otherwise; `actual` None: it is not there."""

    path: Path
    wanted: Any
    actual: Any


def to_apply(body: Object, existing: Object | None, *, guarded: bool = False) -> Apply | None:
    """The write that brings `existing` to `body`, or None when it is there already.

    What admission made of this very body stands (see `contested`). `guarded`: the write fails when
    anybody changed the object since it was read.
    """
    wanted = stamped(body)
    if existing is None:
        return Apply(wanted)
    if not contested(existing, wanted):
        return None
    metadata = existing["metadata"]
    return Apply(
        wanted,
        uid=metadata["uid"],
        resource_version=metadata.get("resourceVersion") if guarded else None,
    )


def contested(existing: Object, wanted: Object) -> tuple[Difference, ...]:
    """The differences that a write shall end: all of them, unless `wanted` was applied before.

    Then those are left out that the operator still owns: it sent another value, and admission made
    this one of it. Another write would be answered in the same way.
    """
    differing = tuple(differences(existing, wanted))
    if digest_of(existing) not in (None, digest_of(wanted)):
        return differing
    return tuple(each for each in differing if not managed_fields.owns(existing, each.path))


def digest_of(body: Object) -> str | None:
    """The digest of what was applied last, as the object carries it."""
    annotations: Object = body["metadata"].get("annotations") or {}
    return annotations.get(names.ANNOTATION_APPLIED)


def holds(existing: Any, wanted: Any) -> bool:
    """Whether every field of `wanted` stands in `existing` with the same value."""
    return next(differences(existing, wanted), None) is None


def differences(existing: Any, wanted: Any, path: Path = ()) -> Iterator[Difference]:
    """Every field of `wanted` that stands otherwise in `existing`.

    Quantities are equal when their amounts are; lists with a published merge key are compared by
    key, as the API server merges them; what others added is left alone, but in a selector: there
    one more label selects other pods, or none. The API server leaves out fields that hold their
    type's zero value, so absent and zero are the same.
    """
    if _is_contained(existing, wanted):
        return
    if isinstance(wanted, dict) and isinstance(existing, dict):
        for key, value in wanted.items():
            if key == SELECTOR and key in existing:
                if existing[key] != value:
                    yield Difference((*path, key), value, existing[key])
            elif key in existing:
                yield from differences(existing[key], value, (*path, key))
            elif value:
                yield Difference((*path, key), value, None)
    elif isinstance(wanted, list) and isinstance(existing, list):
        yield from _of_list(existing, wanted, path)
    elif not _same(existing, wanted, path):
        yield Difference(path, wanted, existing)


def _is_contained(existing: Any, wanted: Any) -> bool:
    """Whether `wanted` is in `existing` word for word, as it nearly always is.

    It says no where the rules of `differences` have to tell, and builds no path: that was half of
    the time of a plan.
    """
    if isinstance(wanted, dict):
        if not isinstance(existing, dict):
            return False
        for key, value in wanted.items():
            if not (_is_contained(existing[key], value) if key in existing else not value):
                return False
            if key == SELECTOR and existing.get(key) != value:
                return False
        return True
    if isinstance(wanted, list):
        return (
            isinstance(existing, list)
            and len(existing) == len(wanted)
            and all(map(_is_contained, existing, wanted))
        )
    return type(existing) is type(wanted) and bool(existing == wanted)


def _of_list(existing: list[Any], wanted: list[Any], path: Path) -> Iterator[Difference]:
    keys = template_merge.merge_keys(_names(path), wanted)
    if not keys:
        if len(existing) != len(wanted) or not all(
            holds(have, want) for have, want in zip(existing, wanted, strict=True)
        ):
            yield Difference(path, wanted, existing)
        return
    by_key = {template_merge.key_of(entry, keys): entry for entry in existing}
    for entry in wanted:
        key = template_merge.key_of(entry, keys)
        yield from differences(
            by_key.get(key), entry, (*path, Item(tuple(zip(keys, key, strict=True))))
        )


def _names(path: Path) -> tuple[str, ...]:
    return tuple(step for step in path if isinstance(step, str))


def _same(existing: Any, wanted: Any, path: Path) -> bool:
    if existing == wanted and isinstance(existing, bool) == isinstance(wanted, bool):
        return True
    return _is_quantity(_names(path)) and same_amount(existing, wanted)


def _is_quantity(path: tuple[str, ...]) -> bool:
    return (path and path[-1] == "sizeLimit") or (
        len(path) > 1 and path[-2] in ("limits", "requests")
    )


def same_amount(one: Any, other: Any) -> bool:
    """Whether two quantities are the same amount: `1000m` and `1`, `1Gi` and `1024Mi`."""
    amounts = [_amount(value) for value in (one, other)]
    return amounts[0] is not None and amounts[0] == amounts[1]


def _amount(value: Any) -> Decimal | None:
    match = _QUANTITY.match(str(value))
    if match is None or isinstance(value, bool):
        return None
    number, unit = match.groups()
    if unit is None:
        return Decimal(number)
    if unit in _SCALE:
        return Decimal(number) * _SCALE[unit]
    return Decimal(number + unit)
