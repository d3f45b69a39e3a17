"""Resources and decision records as the API server holds them."""

from __future__ import annotations

import copy
from typing import Any

from tandem_operator.control.decision_log import Record, record_of
from tandem_operator.tuning import Decision, Window
from tandem_operator.tuning.decision import Prediction

Object = dict[str, Any]


def condition(kind: str, status: str, reason: str, message: str = "") -> Object:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-01-02T03:04:05Z",
    }


HEALTHY = (
    condition("Ready", "True", "Serving"),
    condition("PairCompatible", "True", "Equal"),
    condition("MetricsAvailable", "True", "Scraped"),
    condition("SpeculationActive", "True", "Tuned"),
)
SPECULATION: Object = {
    "state": "Active",
    "liveMode": "Lookup",
    "effectiveTokens": 3,
    "schedule": [
        {"from": 1, "to": 8, "tokens": 3},
        {"from": 9, "to": 16, "tokens": 3},
        {"from": 17, "to": 64, "tokens": 1},
        {"from": 65, "to": 256, "tokens": 0},
    ],
    "generation": 4,
    "appliedReplicas": 2,
    "acceptanceRatePercent": 71,
    "meanAcceptedTokens": "2.1",
    "speedup": "1.8",
    "speedupBaseline": "Idle",
}


def resource(
    name: str = "chat",
    namespace: str = "shop",
    conditions: tuple[Object, ...] = HEALTHY,
    *,
    generation: int = 2,
    observed: int | None = None,
    speculation: Object | None = SPECULATION,
) -> Object:
    status: Object = {
        "observedGeneration": generation if observed is None else observed,
        "readyReplicas": 2,
        "conditions": copy.deepcopy(list(conditions)),
    }
    if speculation is not None:
        status["speculation"] = copy.deepcopy(speculation)
    return {
        "apiVersion": "tandem.dev/v1alpha1",
        "kind": "SpeculativeDeployment",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "generation": generation,
            "creationTimestamp": "2026-01-02T03:04:05Z",
        },
        "spec": {"replicas": 2, "speculation": {"method": "DraftModel", "maxTokens": 5}},
        "status": status,
    }


def decided(at_s: float, reason: str = "Tuned", message: str = "3 saves time") -> Record:
    """A record as the operator keeps it, of one replica that was read for 30 s."""
    decision = Decision(
        schedule=((1, 8, 3), (9, 256, 1)),
        prefill_schedule=((1, 256, 1),),
        explore=None,
        state="Active",
        reason=reason,
        message=message,
        predicted=Prediction(
            batch=3.25,
            tokens=3,
            tokens_per_step=2.9,
            time_per_output_token_s=0.0121,
            realised_time_per_output_token_s=0.0125,
            acceptance_rate=0.71,
            survival=(0.8, 0.6, 0.45),
            speedup=1.83,
        ),
        outliers=("chat-b",),
        inputs={"replicas": 1, "batch": 3.25, "step_cells": 7},
    )
    window = Window(
        replica="chat-a",
        now_s=at_s,
        duration_s=30.0,
        running=3.0,
        waiting=0.0,
        generated_tokens=900,
        request_steps=320,
        request_step_seconds=28.0,
        iterations=310,
        first_tokens=10,
        prefill_tokens=400,
        drafts=310,
        draft_tokens=930,
        accepted_by_position=(248, 186, 140),
        mixed_depth_steps=31,
    )
    return record_of(decision, (window,), at_s, "0123456789abcdef")
