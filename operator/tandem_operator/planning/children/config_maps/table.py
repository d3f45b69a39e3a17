"""The ConfigMap with the speculation table of one lock.

The schedule is the tuner's, the rails are the spec's: those act at once, tuner or not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tandem_operator.api import defaults, names
from tandem_operator.api.spec import TuningMode
from tandem_operator.planning import ownership
from tandem_operator.planning.children.revisions.revision import Revision
from tandem_operator.planning.resource import Resource
from tandem_operator.planning.snapshot import ReplicaView, TuningView
from tandem_operator.tuning import reasons
from tandem_runtime.contract import paths
from tandem_runtime.contract import table as contract
from tandem_runtime.contract.table import Explore, Range, Segment, SpeculationTable, TableError

Object = dict[str, Any]

TOP_OF_INITIAL = 256
"""End of the only range of the first table; the last range extends upward."""


def observed(config_map: Object | None) -> SpeculationTable | None:
    """The table in a ConfigMap; None when there is none, or none that a reader would take."""
    text = (config_map or {}).get("data", {}).get(paths.TABLE_KEY)
    if text is None:
        return None
    try:
        return contract.parse(text)
    except TableError:
        return None


def wanted(
    resource: Resource,
    revision: Revision,
    config_map: Object | None,
    tuning: TuningView | None,
) -> SpeculationTable:
    """The table that shall stand: what stands when nothing differs, else a higher generation."""
    existing = observed(config_map)
    if existing is not None and existing.lock != revision.lock_hash:
        existing = None
    content = _content(resource, revision, existing, tuning)
    epoch = "" if config_map is None else config_map["metadata"]["uid"]
    if existing is not None and _same(existing, content):
        return existing if _is_first(existing, tuning) else replace(existing, epoch=epoch)
    earlier = [_generation_in_status(resource), *_applied(tuning, revision.lock_hash)]
    if existing is not None:
        earlier.append(existing.generation)
    return replace(content, generation=max(earlier) + 1, epoch=epoch)


def body(resource: Resource, table: SpeculationTable) -> Object:
    """The ConfigMap."""
    name = names.speculation_table(resource.name, table.lock)
    labels = {names.LABEL_DEPLOYMENT: resource.name, names.LABEL_LOCK: table.lock}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": ownership.metadata(resource, "ConfigMap", name, labels),
        "data": {paths.TABLE_KEY: contract.render(table)},
    }


def _content(
    resource: Resource,
    revision: Revision,
    existing: SpeculationTable | None,
    tuning: TuningView | None,
) -> SpeculationTable:
    spec, fixed = resource.spec, revision.fixed_tokens
    if fixed is not None:
        # Nobody obeys a table there: it tells what is, never what was wished.
        always = (Range(1, TOP_OF_INITIAL, fixed),)
        return SpeculationTable(
            lock=revision.lock_hash,
            generation=0,
            schedule=always,
            constrained_output=spec.speculation.constrained_output.value,
            reason=spec.tuning.mode.value,
        )
    most = min(defaults.tuning_max_tokens(spec), revision.max_tokens)
    initial = Range(1, TOP_OF_INITIAL, min(defaults.initial_tokens(spec), revision.max_tokens))
    table = SpeculationTable(
        lock=revision.lock_hash, generation=0, schedule=(initial,), reason=reasons.INITIAL
    )
    if spec.tuning.mode is not TuningMode.AUTO:
        table = replace(table, reason=spec.tuning.mode.value)
    elif tuning is not None and tuning.lock_hash == revision.lock_hash:
        decision = tuning.decision
        table = replace(
            table,
            schedule=decision.schedule,
            prefill_schedule=decision.prefill_schedule,
            explore=None
            if decision.explore is None
            else Explore(
                every=decision.explore["every"],
                steps=decision.explore["steps"],
                offsets=tuple(decision.explore["offsets"]),
            ),
            reason=decision.reason,
        )
    elif existing is not None and existing.reason not in (
        reasons.INITIAL,
        TuningMode.OBSERVE.value,
        TuningMode.FIXED.value,
    ):
        table = replace(
            table,
            schedule=existing.schedule,
            prefill_schedule=existing.prefill_schedule,
            explore=existing.explore,
            reason=existing.reason,
        )
    return replace(
        table,
        schedule=_capped(table.schedule, most, revision.tiers),
        prefill_schedule=None
        if table.prefill_schedule is None
        else _capped(table.prefill_schedule, most, revision.tiers),
        explore=table.explore if most > 0 else None,
        enabled=most > 0,
        constrained_output=spec.speculation.constrained_output.value,
        max_concurrency=spec.tuning.thresholds.max_concurrency,
        segments={
            segment.name: Segment(max_tokens=_depth(segment.max_tokens, revision.tiers))
            for segment in spec.tuning.segments
        },
    )


def _capped(schedule: tuple[Range, ...], most: int, tiers: tuple[int, ...]) -> tuple[Range, ...]:
    """The schedule at most `most` deep, at depths that the engine was started with."""
    return tuple(
        Range(first, last, _depth(min(tokens, most), tiers)) for first, last, tokens in schedule
    )


def _depth(tokens: int, tiers: tuple[int, ...]) -> int:
    return max((tier for tier in tiers if tier <= tokens), default=tokens)


def _is_first(existing: SpeculationTable, tuning: TuningView | None) -> bool:
    """Whether no reader can hold another: then its epoch waits for the next change, and the
    ConfigMap is written once."""
    replicas: tuple[ReplicaView, ...] = () if tuning is None else tuning.replicas
    others = any(each.epoch for each in replicas if each.lock == existing.lock)
    return existing.generation == 1 and not existing.epoch and not others


def _same(existing: SpeculationTable, content: SpeculationTable) -> bool:
    return replace(existing, generation=0, epoch="", reason="") == replace(
        content, generation=0, epoch="", reason=""
    )


def _generation_in_status(resource: Resource) -> int:
    speculation = resource.status.speculation
    if speculation is None or speculation.generation is None:
        return 0
    return speculation.generation


def _applied(tuning: TuningView | None, lock_hash: str) -> tuple[int, ...]:
    replicas: tuple[ReplicaView, ...] = () if tuning is None else tuning.replicas
    return tuple(
        replica.applied_generation
        for replica in replicas
        if replica.lock == lock_hash and replica.applied_generation is not None
    )
