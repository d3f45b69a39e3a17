"""A comparison of policies as text tables, latency first."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table as TextTable


def print_report(report: dict[str, Any], console: Console) -> None:
    """Latency by policy, by concurrency and by output length."""
    stops = report["stops_helping_at"]
    console.print(
        f"{report['profile']}: {report['trace']} ({report['requests'] or 'endless'} requests), "
        f"drift {report['drift']}, engine drift {report['engine_drift']}, {report['counters']} "
        "counters. Speculation "
        + ("always helps." if stops is None else f"stops helping at {stops} requests a replica.")
    )
    table = TextTable("policy", "p50 s", "p95 s", "p99 s", "TTFT p95 s", "tokens/s", "regret %")
    table.add_column("changes")
    for name, policy in report["policies"].items():
        latency = policy["request_latency"]
        if latency is None:
            table.add_row(name, *["-"] * 7)
            continue
        table.add_row(
            name,
            *(f"{latency['end_to_end_s'][rank]:.2f}" for rank in ("p50", "p95", "p99")),
            f"{latency['first_token_s']['p95']:.2f}",
            f"{policy['tokens_per_s']:.0f}",
            f"{policy['regret_percent']:.1f}",
            str(policy["table_changes"]),
        )
    console.print(table)
    costs = {name: one.get("cost_per_million_tokens") for name, one in report["policies"].items()}
    if any(costs.values()):
        console.print(_priced(costs))
    for title, key in (
        ("p50 / p95 request latency, s, by concurrency", "by_concurrency"),
        ("p50 / p95 request latency, s, by output tokens", "by_output_length"),
    ):
        console.print(_grouped(title, key, report["policies"]))


def _grouped(title: str, key: str, policies: dict[str, Any]) -> TextTable:
    groups = list(dict.fromkeys(group for policy in policies.values() for group in policy[key]))
    table = TextTable("policy", *groups, title=title, title_justify="left")
    for name, policy in policies.items():
        cells = []
        for group in groups:
            latency = policy[key].get(group)
            cells.append(
                "-"
                if latency is None
                else f"{latency['end_to_end_s']['p50']:.2f} / {latency['end_to_end_s']['p95']:.2f}"
            )
        table.add_row(name, *cells)
    return table


def _priced(costs: dict[str, dict[str, float] | None]) -> TextTable:
    title = "cost of a million output tokens, in the currency of the price"
    table = TextTable(
        "policy", "replica reserved", "busy seconds alone", title=title, title_justify="left"
    )
    for name, cost in costs.items():
        if cost is not None:
            table.add_row(name, f"{cost['reserved']:.2f}", f"{cost['busy']:.2f}")
    return table
