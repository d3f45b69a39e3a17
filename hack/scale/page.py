"""The figures as a page: a generated block of docs/scale.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

Figures = dict[str, Any]

PAGE = Path(__file__).parents[2] / "docs" / "scale.md"
BEGIN = "<!-- figures of make bench-scale: {} -->"
END = "<!-- end: {} -->"


def rendered(figures: Figures) -> str:
    """The block in Markdown."""
    machine = figures["machine"]
    return "\n".join(
        [
            ", ".join(f"{name} {value}" for name, value in machine.items()),
            "",
            "| | |",
            "|---|---|",
            *(f"| {what} | {value} |" for what, value in _rows(figures)),
        ]
    )


def write(figures: Figures, name: str, path: Path = PAGE) -> None:
    """Put the block in its place. Raises ValueError where the page has none."""
    text = path.read_text()
    begin, end = BEGIN.format(name), END.format(name)
    if begin not in text or end not in text:
        raise ValueError(f"{path} has no block {begin} ... {end}")
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    path.write_text(f"{before}{begin}\n{rendered(figures)}\n{end}{after}")


def _rows(figures: Figures) -> list[tuple[str, str]]:
    rows = [("memory of an empty operator", f"{figures['empty']['rss_mib']:.0f} MiB")]
    if made := figures.get("creation"):
        rows += [
            (f"{made['number']} resources at {made['rate']:g} a second", ""),
            ("apply to Deployment, p50 and p99", _pair(made)),
            ("until all have their children; until quiet", _times(made)),
            ("CPU of the operator a resource", f"{made['cpu_ms_a_resource']:.1f} ms"),
            ("CPU of the others a resource", _others(made)),
            ("reconciliations a resource", f"{made['reconciliations_a_resource']:.1f}"),
            *_counts(made),
        ]
    if idle := figures.get("idle"):
        rows += [
            ("idle: share of a core", f"{100 * idle['cores']:.2f} %"),
            ("idle: writes but the Lease's", f"{idle['writes']}"),
        ]
    if again := figures.get("restart"):
        rows += [
            ("restart: CPU until quiet", f"{again['cpu_s']:.1f} s"),
            ("restart: time until quiet", f"{again['seconds']:.1f} s"),
            ("restart: writes but the Lease's", f"{again['writes']}"),
            ("restart: memory, highest", _memory(again)),
        ]
    if changed := figures.get("change"):
        rows += [
            ("another image on all: all Deployments; quiet", _times(changed)),
            ("CPU a resource", f"{changed['cpu_ms_a_resource']:.1f} ms"),
            ("reconciliations a resource", f"{changed['reconciliations_a_resource']:.1f}"),
            *_counts(changed),
        ]
    if churn := figures.get("churn"):
        rows += [
            ("1 % a second get other replicas, p50 and p99", _pair(churn)),
            ("CPU a change", f"{churn['cpu_ms_a_change']:.1f} ms"),
        ]
    if gone := figures.get("deletion"):
        rows += [
            ("all deleted: until their Deployments are gone", f"{gone['children_s']:.1f} s"),
            ("CPU a resource", f"{gone['cpu_ms_a_resource']:.1f} ms"),
            ("writes a resource", f"{gone['writes_a_resource']:.2f}"),
        ]
    if bare := figures.get("without"):
        rows += [
            (f"the children of {bare['number']} at {bare['rate']:g} a second, no operator", ""),
            ("request to Deployment, p50 and p99", _pair(bare)),
            ("until all pods are Ready", f"{bare['settled_s']:.1f} s"),
            ("CPU of all programs for one", _others(bare)),
        ]
    return rows


def _pair(figures: Figures) -> str:
    return f"{1000 * figures['p50_s']:.0f} and {1000 * figures['p99_s']:.0f} ms"


def _others(figures: Figures) -> str:
    """Milliseconds by program; the bench is `python`."""
    each = figures["plane_cpu_s"].items()
    return ", ".join(f"{name} {1000 * used_s / figures['number']:.0f} ms" for name, used_s in each)


def _times(figures: Figures) -> str:
    return f"{figures['children_s']:.1f} s; {figures['settled_s']:.1f} s"


def _counts(figures: Figures) -> list[tuple[str, str]]:
    return [
        (
            "writes, Events and reads a resource",
            f"{figures['writes_a_resource']:.2f}, {figures['events_a_resource']:.2f}, "
            f"{figures['reads_a_resource']:.2f}",
        ),
        ("memory, highest", _memory(figures)),
    ]


def _memory(figures: Figures) -> str:
    return f"{figures['rss_mib']:.0f} MiB, {figures['peak_mib']:.0f} MiB"
