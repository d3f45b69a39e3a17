"""Resources, reports and what surrounds them, in as few words as a test needs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from tandem_operator.planning import (
    Installation,
    MetricsView,
    ReplicaView,
    TuningView,
)
from tandem_operator.tuning import Decision, Prediction
from tandem_runtime.contract.report import Difference, LockFailure, PairReport, SideReport
from tandem_runtime.contract.table import Range

Object = dict[str, Any]

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NAME = "chat"
NAMESPACE = "serving"
UID = "uid-of-chat"
INSTALLATION = Installation(runtime_image="registry.example/tandem-runtime:0.1.0")

PAIR: Object = {
    "target": {"uri": "hf://org/target"},
    "draft": {"uri": "hf://org/draft"},
    "speculation": {"method": "DraftModel", "maxTokens": 7},
    "engine": {"type": "vLLM", "image": "vllm/vllm-openai:v0.32.0"},
}


def resource(changes: Object | None = None, **fields: Any) -> Object:
    """A resource as the API server holds it; `changes` by dotted path, `fields` at the top."""
    spec: Object = copied(PAIR)
    spec.update(copied(fields))
    for path, value in (changes or {}).items():
        put(spec, path, value)
    return {
        "apiVersion": "tandem.dev/v1alpha1",
        "kind": "SpeculativeDeployment",
        "metadata": {
            "name": NAME,
            "namespace": NAMESPACE,
            "uid": UID,
            "generation": 1,
            "creationTimestamp": stamp(START),
        },
        "spec": spec,
        "status": {"observedGeneration": -1},
    }


def copied(raw: Any) -> Any:
    """The same JSON, shared with nobody: many times as quick as deepcopy."""
    return orjson.loads(orjson.dumps(raw))


def put(holder: Object, path: str, value: Any) -> None:
    """Set one value by its dotted path; None removes it."""
    *parents, last = path.split(".")
    for key in parents:
        holder = holder.setdefault(key, {})
    if value is None:
        holder.pop(last, None)
    else:
        holder[last] = value


def stamp(moment: datetime) -> str:
    """RFC 3339, as the API server writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def side(uri: str = "hf://org/target", **fields: Any) -> SideReport:
    """One side's report."""
    known: Object = {
        "revision": "0" * 39 + "1",
        "immutable": True,
        "tokenizer_digest": "tokfp/v1:sha256:" + "a" * 64,
        "files_digest": "sha256:" + "b" * 64,
        "parameters": 7_000_000,
        "weight_bytes": 14_000_000,
        "kv_bytes_per_token": 4096,
    }
    return SideReport(uri=uri, **{**known, **fields})


def good(**fields: Any) -> PairReport:
    """A report of a pair that fits."""
    known: Object = {
        "verdict": "Compatible",
        "reason": "Equal",
        "allowed": True,
        "message": "every id agrees",
        "target": side(),
        "draft": side("hf://org/draft", parameters=1_000_000, weight_bytes=2_000_000),
    }
    return PairReport(**{**known, **fields})


def wrong() -> PairReport:
    """A report of a pair whose ids mean other bytes."""
    return good(
        verdict="Incompatible",
        reason="IdsDiffer",
        allowed=False,
        message="2 of 2048 ids differ",
        first_differences=(Difference(6001, "foo", "bar"),),
    )


def not_found() -> LockFailure:
    """What the Job says when the hub has no such repository."""
    return LockFailure("ModelNotFound", "draft", "hf://org/draft does not exist")


def tuning(lock_hash: str, **fields: Any) -> TuningView:
    """What the tuning loop holds after a decision."""
    known: Object = {
        "decision": decision(),
        "decided_at": START,
        "metrics": MetricsView("True", "Scraped", "1 of 1 ready replicas read"),
        "acceptance_rate": 0.8,
        "mean_accepted_tokens": 2.71,
        "drafted_tokens": 0.0,
        "wasted_tokens": 0.0,
        "mixed_depth_steps": 0.0,
    }
    return TuningView(lock_hash=lock_hash, **{**known, **fields})


def decision(**fields: Any) -> Decision:
    """A decision to draft 7 at low load and nothing at high load."""
    known: Object = {
        "schedule": (Range(1, 8, 7), Range(9, 256, 0)),
        "prefill_schedule": None,
        "explore": {"every": 200, "steps": 3, "offsets": [1, -1]},
        "state": "Active",
        "reason": "Tuned",
        "message": "7 tokens at batch 4 give 2.1 times the tokens per second",
        "predicted": Prediction(batch=4, tokens=7, speedup=2.14, speedup_baseline="Idle"),
    }
    return Decision(**{**known, **fields})


def replica(pod: str, lock_hash: str, generation: int, **fields: Any) -> ReplicaView:
    """What one pod's plugin reports."""
    known: Object = {
        "uid": f"uid-{pod}",
        "lock": lock_hash,
        "applied_generation": generation,
        "mode": "lookup",
        "running": 4.0,
    }
    return ReplicaView(pod=pod, **{**known, **fields})
