"""Decision records: what `tandem explain` prints, as they stand in `<name>-tuner`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from tandem_operator.tuning import Decision, Window

MOST_RECORDS = 50
LARGEST_BYTES = 256 * 1024

Record = dict[str, Any]


def record_of(decision: Decision, windows: Iterable[Window], at_s: float, lock: str) -> Record:
    """One decision with the numbers it stood on; times in seconds, rates as shares."""
    predicted = decision.predicted
    return {
        "time": moment(at_s).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lock": lock,
        "state": decision.state,
        "reason": decision.reason,
        "message": decision.message,
        "schedule": [list(entry) for entry in decision.schedule],
        "prefillSchedule": None
        if decision.prefill_schedule is None
        else [list(entry) for entry in decision.prefill_schedule],
        "predicted": {
            "batch": predicted.batch,
            "tokens": predicted.tokens,
            "tokensPerStep": predicted.tokens_per_step,
            "timePerOutputTokenSeconds": predicted.time_per_output_token_s,
            "realisedTimePerOutputTokenSeconds": predicted.realised_time_per_output_token_s,
            "acceptanceRate": predicted.acceptance_rate,
            "survival": list(predicted.survival),
            "speedup": predicted.speedup,
        },
        "inputs": dict(decision.inputs),
        "outliers": list(decision.outliers),
        "replicas": [
            {
                "replica": window.replica,
                "durationSeconds": round(window.duration_s, 3),
                "running": window.running,
                "waiting": window.waiting,
                "generatedTokens": window.generated_tokens,
                "drafts": window.drafts,
                "draftTokens": window.draft_tokens,
                "acceptedByPosition": list(window.accepted_by_position),
                "mixedDepthPercent": mixed_depth_percent(window),
            }
            for window in windows
        ],
    }


def mixed_depth_percent(window: Window) -> float | None:
    """Share of the engine's steps that ran with requests of different depths, in percent.

    None where the engine's plugin does not count them, and without a step.
    """
    if window.mixed_depth_steps is None or window.iterations <= 0:
        return None
    return round(100 * min(1.0, window.mixed_depth_steps / window.iterations), 1)


def moment(at_s: float) -> datetime:
    """A moment of the operator's clock as people and Kubernetes write it."""
    return datetime.fromtimestamp(at_s, UTC)


def appended(records: tuple[Record, ...], record: Record) -> tuple[Record, ...]:
    """The newest records, oldest first, few enough to fit into their ConfigMap."""
    kept = (*records, record)[-MOST_RECORDS:]
    while len(kept) > 1 and len(to_json(kept).encode()) > LARGEST_BYTES:
        kept = kept[1:]
    return kept


def tells(records: tuple[Record, ...], decision: Decision) -> bool:
    """Whether the newest record is of this very decision, as after a restart of the operator."""
    if not records:
        return False
    newest = records[-1]
    return (newest.get("schedule"), newest.get("state"), newest.get("reason")) == (
        [list(entry) for entry in decision.schedule],
        decision.state,
        decision.reason,
    )


def to_json(records: tuple[Record, ...]) -> str:
    return json.dumps(list(records), separators=(",", ":"), allow_nan=False)


def from_json(text: str) -> tuple[Record, ...]:
    """What was kept; a damaged value is dropped, since records explain and decide nothing."""
    try:
        entries = json.loads(text)
    except ValueError:
        return ()
    return tuple(r for r in entries if isinstance(r, dict)) if isinstance(entries, list) else ()
