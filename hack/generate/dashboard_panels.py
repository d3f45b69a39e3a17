"""What the Grafana dashboard of the chart shows; `dashboard` says where it stands."""

from __future__ import annotations

from dataclasses import dataclass

OF = 'namespace=~"$namespace",name=~"$name"'
"""Series of the operator about a resource."""
BY = "namespace, name"
PODS = 'namespace=~"$namespace",tandem_dev_deployment=~"$name"'
"""Series of the resource's own pods; the label comes from its PodMonitor."""


@dataclass(frozen=True)
class Panel:
    """``queries`` are PromQL and legend; ``kind`` is Grafana's own word."""

    title: str
    description: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    kind: str = "timeseries"


def _resource(name: str, legend: str = "{{namespace}}/{{name}}") -> tuple[str, str]:
    return f"max by ({BY}) (tandem_resource_{name}{{{OF}}})", legend


def _rate(name: str, legend: str) -> tuple[str, str]:
    series = f"tandem_resource_{name}_total{{{OF}}}"
    return f"sum by ({BY}) (rate({series}[$__rate_interval]))", legend


def _engine_rate(name: str, by: str) -> str:
    return f"sum by ({by}) (rate(tandem:{name}_total{{{PODS}}}[$__rate_interval]))"


ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "Resources",
        (
            Panel(
                "Stalled",
                "Resources that cannot get further by themselves, and why.",
                (
                    (
                        f"max by ({BY}, reason) "
                        f'(tandem_resource_condition{{{OF},type="Stalled"}}) or vector(0)',
                        "{{namespace}}/{{name}} {{reason}}",
                    ),
                ),
                kind="stat",
            ),
            Panel(
                "Conditions",
                "1 True, 0 False, -1 Unknown; Reconciling and Stalled stand only while True.",
                (
                    (
                        f"max by ({BY}, type) (tandem_resource_condition{{{OF}}})",
                        "{{namespace}}/{{name}} {{type}}",
                    ),
                ),
                kind="state-timeline",
            ),
            Panel(
                "Replicas",
                "Wanted, ready, and with the newest table.",
                (
                    _resource("replicas", "{{namespace}}/{{name}} pods"),
                    _resource("ready_replicas", "{{namespace}}/{{name}} ready"),
                    _resource("applied_replicas", "{{namespace}}/{{name}} with the newest table"),
                ),
            ),
        ),
    ),
    (
        "Speculation",
        (
            Panel(
                "K",
                "At the present load, for a single request, and the deepest that the engine can.",
                (
                    _resource("effective_tokens", "{{namespace}}/{{name}} now"),
                    _resource("table_tokens", "{{namespace}}/{{name}} one request"),
                    _resource("max_tokens", "{{namespace}}/{{name}} deepest"),
                ),
            ),
            Panel(
                "Acceptance",
                "Accepted / (accepted + drafts that ended in a rejection), over a minute.",
                (_resource("acceptance_ratio"),),
                "percentunit",
            ),
            Panel(
                "Speedup",
                "Time per token without speculation over that with it; below 1 it would cost.",
                (_resource("speedup_ratio"),),
            ),
            Panel(
                "Drafted and wasted tokens",
                "Wasted: drafted and not accepted.",
                (
                    _rate("drafted_tokens", "{{namespace}}/{{name}} drafted"),
                    _rate("wasted_tokens", "{{namespace}}/{{name}} wasted"),
                ),
                "ops",
            ),
            Panel(
                "Steps of mixed depth",
                "Steps whose requests verified different numbers of drafts; no full graph fits.",
                (_rate("mixed_depth_steps", "{{namespace}}/{{name}}"),),
                "ops",
            ),
            Panel(
                "Acceptance by segment",
                "Of requests that name their segment.",
                (
                    (
                        f"max by ({BY}, segment) "
                        f"(tandem_resource_segment_acceptance_ratio{{{OF}}})",
                        "{{namespace}}/{{name}} {{segment}}",
                    ),
                ),
                "percentunit",
            ),
            Panel(
                "Tables",
                "Generation written, and the least that a ready replica has applied.",
                (
                    _resource("table_generation", "{{namespace}}/{{name}} written"),
                    _resource("applied_generation", "{{namespace}}/{{name}} applied"),
                ),
            ),
        ),
    ),
    (
        "Engines",
        (
            Panel(
                "K of the last step",
                "By pod, from the drafts that were scheduled.",
                ((f"max by (namespace, pod) (tandem:current_tokens{{{PODS}}})", "{{pod}}"),),
            ),
            Panel(
                "Time of a step",
                "As a decoding request sees it.",
                (
                    (
                        _engine_rate("request_step_seconds", "namespace, tandem_dev_deployment")
                        + " / "
                        + _engine_rate("request_steps", "namespace, tandem_dev_deployment"),
                        "{{namespace}}/{{tandem_dev_deployment}}",
                    ),
                ),
                "s",
            ),
            Panel(
                "Requests without speculation",
                "By cause: constrained output, or the request asked for it.",
                (
                    (
                        _engine_rate("bypassed_requests", "namespace, pod, cause"),
                        "{{pod}} {{cause}}",
                    ),
                ),
                "ops",
            ),
        ),
    ),
    (
        "Operator",
        (
            Panel(
                "Leader and queue",
                "Exactly one leads; the queue does not only grow.",
                (
                    ("sum(tandem_operator_leading)", "leaders"),
                    ("max(tandem_operator_queue_length)", "queue"),
                    ("max(tandem_operator_resources)", "resources"),
                ),
            ),
            Panel(
                "Reconciliations",
                "By result: done, retry, bug.",
                (
                    (
                        "sum by (result) "
                        "(rate(tandem_operator_reconcile_seconds_count[$__rate_interval]))",
                        "{{result}}",
                    ),
                ),
                "ops",
            ),
            Panel(
                "Writes",
                "That the API server took.",
                (
                    (
                        "sum by (kind) (rate(tandem_operator_writes_total[$__rate_interval]))",
                        "{{kind}}",
                    ),
                ),
                "ops",
            ),
            Panel(
                "Watches",
                "Since the API server last proved each; up to 70 s in a quiet cluster.",
                (("max by (kind) (tandem_operator_watch_age_seconds)", "{{kind}}"),),
                "s",
            ),
            Panel(
                "From a decision to its table",
                "95th percentile until it is written, and until every ready pod has applied it.",
                (
                    (
                        "histogram_quantile(0.95, sum by (until, le) "
                        "(rate(tandem_operator_decision_seconds_bucket[$__rate_interval])))",
                        "{{until}}",
                    ),
                ),
                "s",
            ),
        ),
    ),
)
