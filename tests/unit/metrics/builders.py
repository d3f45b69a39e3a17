"""Pages of metrics and Kubernetes objects, as tests want them."""

from __future__ import annotations

from typing import Any


def stock_page(
    *,
    running: float = 2,
    waiting: float = 0,
    steps: float = 100,
    seconds: float = 1.0,
    iterations: float = 50,
    generated: float = 300,
    first: float = 4,
    prompt: float = 80,
    drafts: float = 90,
    draft_tokens: float = 270,
    accepted: tuple[float, ...] = (80, 60, 40),
    prefix: str = "vllm:",
) -> str:
    """A page as vLLM writes it, with series that nobody reads between those that matter."""
    at = '{engine="0",model_name="chat"}'
    lines = [
        "# HELP python_info Python platform information",
        'python_info{version="3.11"} 1.0',
        f"{prefix}num_requests_running{at} {running}",
        f"{prefix}num_requests_waiting{at} {waiting}",
        f'{prefix}inter_token_latency_seconds_bucket{{le="0.1"}} 7',
        f"{prefix}inter_token_latency_seconds_count{at} {steps}",
        f"{prefix}inter_token_latency_seconds_sum{at} {seconds}",
        f"{prefix}iteration_tokens_total_count{at} {iterations}",
        f"{prefix}iteration_tokens_total_sum{at} 12",
        f"{prefix}generation_tokens_total{at} {generated}",
        f"{prefix}prompt_tokens_total{at} {prompt}",
        f"{prefix}time_to_first_token_seconds_count{at} {first}",
        f"{prefix}time_to_first_token_seconds_sum{at} 0.5",
        f"{prefix}spec_decode_num_drafts_total{at} {drafts}",
        f"{prefix}spec_decode_num_draft_tokens_total{at} {draft_tokens}",
    ]
    lines += [
        f'{prefix}spec_decode_num_accepted_tokens_per_pos_total{{engine="0",position="{i}"}} {a}'
        for i, a in enumerate(accepted)
    ]
    return "\n".join(lines) + "\n"


def plugin_lines(
    *,
    generation: int = 3,
    drafted: tuple[float, ...] = (90, 90, 90),
    accepted: tuple[float, ...] = (80, 60, 40),
    cell_steps: float = 40,
    segment_accepted: float = 30,
    segment_rejected: float = 10,
) -> str:
    """What the plugin adds to the page."""
    lines = [
        'tandem:info{epoch="e1",lock="aaaa",mode="lookup",reason="",version="1"} 1',
        f"tandem:applied_generation {generation}",
        'tandem:effective_tokens{from="1",to="8"} 5',
        'tandem:effective_tokens{from="9",to="32"} 0',
        "tandem:request_steps_total 101",
        "tandem:request_step_seconds_total 1.01",
        "tandem:iterations_total 51",
        "tandem:drafts_total 90",
        "tandem:draft_tokens_total 270",
        "tandem:bypassed_request_steps_total 6",
        "tandem:context_tokens 512",
        f'tandem:segment_accepted_total{{segment="chat"}} {segment_accepted}',
        f'tandem:segment_rejected_drafts_total{{segment="chat"}} {segment_rejected}',
    ]
    lines += [
        f'tandem:drafted_by_position_total{{position="{i}"}} {d}' for i, d in enumerate(drafted)
    ]
    lines += [
        f'tandem:accepted_by_position_total{{position="{i}"}} {a}' for i, a in enumerate(accepted)
    ]
    at = '{batch="2",prefill="0",tokens="3"}'
    lines += [
        f"tandem:cell_steps_total{at} {cell_steps}",
        f"tandem:cell_seconds_total{at} {cell_steps / 100}",
        f"tandem:cell_batch_total{at} {cell_steps * 2}",
        f"tandem:cell_context_total{at} 900",
        f"tandem:cell_prefill_total{at} 0",
        f"tandem:cell_verified_total{at} {cell_steps * 8}",
    ]
    return "\n".join(lines) + "\n"


def owned(kind: str, name: str, uid: str, owner: str | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "uid": uid, "labels": {}}
    if owner is not None:
        metadata["ownerReferences"] = [{"uid": owner, "controller": True}]
    return {"kind": kind, "metadata": metadata}


def engine_pod(
    name: str = "chat-1", owner: str = "rs", ready: bool = True, lock: str = "aaaa"
) -> dict[str, Any]:
    pod = owned("Pod", name, f"uid-{name}", owner)
    pod["metadata"]["labels"] = {
        "tandem.dev/deployment": "chat",
        "tandem.dev/role": "engine",
        "tandem.dev/lock": lock,
    }
    pod["spec"] = {
        "containers": [
            {"name": "sidecar", "env": []},
            {
                "name": "main",
                "env": [
                    {"name": "TANDEM_TIERS", "value": "0,1,3,5"},
                    {"name": "TANDEM_MAX_TOKENS", "value": "5"},
                ],
                "ports": [{"name": "http", "containerPort": 8000}],
            },
        ]
    }
    pod["status"] = {
        "podIP": "127.0.0.1",
        "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
    }
    return pod


def workload(resource_uid: str = "resource") -> list[dict[str, Any]]:
    """The Deployment and ReplicaSet between a resource and its pods."""
    return [
        owned("Deployment", "chat", "dep", resource_uid),
        owned("ReplicaSet", "rs", "rs", "dep"),
    ]
