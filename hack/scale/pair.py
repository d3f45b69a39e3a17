"""The pair that every resource of the bench asks for, and what a lock Job says of it."""

from __future__ import annotations

import time
from typing import Any

from tandem_runtime.contract import report
from tandem_runtime.contract.report import PairReport, SideReport

Object = dict[str, Any]

TARGET = ("hf://org/target", "1" * 40)
DRAFT = ("hf://org/draft", "2" * 40)
IMAGE = "vllm/vllm-openai:v0.32.0"
OTHER_IMAGE = "vllm/vllm-openai:v0.32.1"


def resource(name: str, replicas: int = 1) -> Object:
    """A resource whose sources are full commits: one lock Job serves all of them."""
    return {
        "apiVersion": "tandem.dev/v1alpha1",
        "kind": "SpeculativeDeployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "target": {"uri": TARGET[0], "revision": TARGET[1]},
            "draft": {"uri": DRAFT[0], "revision": DRAFT[1]},
            "speculation": {"method": "DraftModel", "maxTokens": 7},
            "engine": {"type": "vLLM", "image": IMAGE},
        },
    }


def lock_ended() -> Object:
    """Status of the lock's pod as a kubelet tells it, with the report as termination message."""
    ended = {
        "exitCode": 0,
        "reason": "Completed",
        "message": report.render(_good()),
        "finishedAt": "2026-01-02T03:04:05Z",
    }
    return {
        "phase": "Succeeded",
        "containerStatuses": [_container("tandem-lock", {"terminated": ended}, ready=False)],
    }


def runs() -> Object:
    """Status of an engine's pod that is Ready, as a kubelet tells it, but without an address: what
    it serves is no part of these figures."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    kinds = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    return {
        "phase": "Running",
        "conditions": [
            {"type": kind, "status": "True", "lastTransitionTime": now} for kind in kinds
        ],
        "containerStatuses": [_container("main", {"running": {"startedAt": now}}, ready=True)],
    }


def _container(name: str, state: Object, *, ready: bool) -> Object:
    status = {"restartCount": 0, "image": "image", "imageID": "image", "state": state}
    return {"name": name, "ready": ready, "started": ready, **status}


def _good() -> PairReport:
    return PairReport(
        verdict="Compatible",
        reason="Equal",
        allowed=True,
        message="every id agrees",
        target=_side(*TARGET, parameters=7_000_000),
        draft=_side(*DRAFT, parameters=1_000_000),
    )


def _side(uri: str, revision: str, parameters: int) -> SideReport:
    return SideReport(
        uri=uri,
        revision=revision,
        immutable=True,
        tokenizer_digest="tokfp/v1:sha256:" + "a" * 64,
        files_digest="sha256:" + "b" * 64,
        parameters=parameters,
        weight_bytes=2 * parameters,
        kv_bytes_per_token=4096,
    )
