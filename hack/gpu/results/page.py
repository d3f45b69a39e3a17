"""What was measured, as a page to read: tables, and what they cannot say. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hack.gpu import parts
from hack.gpu.measurements import exactness, tax
from hack.gpu.options import Options
from hack.gpu.parts import Part
from hack.gpu.setup.machine import Machine
from hack.gpu.setup.setups import INVARIANT, OFF, TIERED
from hack.tuning import report

Results = Mapping[Part, Mapping[str, Any]]
_START = {
    "ready_s": "ready s",
    "engine_start_s": "engine start s",
    "capture_s": "capture s",
    "graphs_gib": "graphs GiB",
    "models_gib": "models GiB",
    "cache_gib": "cache GiB",
    "cache_blocks": "cache blocks",
    "cache_tokens": "cache tokens",
    "plugin_mode": "plugin",
}


def text_of(
    machine: Machine,
    options: Options,
    planned: Sequence[Part],
    results: Results,
    failures: Mapping[Part, str],
) -> str:
    """The page; a part that was not measured is named as such and has no figure."""
    lines = [
        f"# {options.target.name} with {options.draft.name} ({options.method})",
        "",
        ", ".join(f"{key} {value}" for key, value in machine.facts.items()) + ".",
    ]
    if machine.dry:
        lines += ["", "A dry run on CPU: it shows that the command works. No figure is a GPU's."]
    for title, section in (
        ("What a start costs", _starts(results)),
        ("Step time without speculation", _steps(results, OFF)),
        ("Step time by K and batch", _steps(results, TIERED)),
        ("What K=0 costs beside an engine without speculation", _tax(results)),
        ("FULL graphs", _graphs(results)),
        ("One request of another depth", _constrained(results)),
        ("The same text while K flips", _exact(results, machine.dry)),
        ("The tuner against fixed K", _tuned(results)),
    ):
        lines += ["", f"## {title}", "", *(list(section) or ["Not measured."])]
    missing = [part for part in planned if part not in results]
    if missing:
        lines += ["", "## Not measured", ""]
        lines += [f"- {part.name}: {_why(part, failures)}" for part in missing]
    return "\n".join(lines) + "\n"


def _why(part: Part, failures: Mapping[Part, str]) -> str:
    if part not in failures:
        return "the time was up"
    lines = failures[part].splitlines()
    return " / ".join([lines[0], *(line for line in lines[1:] if "Error" in line)][-4:])


def table_of(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    """A table of Markdown; None is shown as `-`."""
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield "| " + " | ".join("-" if cell is None else str(cell) for cell in row) + " |"


def _starts(results: Results) -> Iterator[str]:
    starts = {part.setup: one for part, one in results.items() if part.kind == parts.START}
    if starts:
        rows = [[name, *(one.get(key) for key in _START)] for name, one in starts.items()]
        yield from table_of(["engine", *_START.values()], rows)


def _steps(results: Results, setup: str) -> Iterator[str]:
    steps = results.get(Part(parts.STEPS, setup))
    if steps is not None:
        rows = [
            [one["tokens"], one["batch"], f"{one['ms']:.3f}", one["steps"]]
            for one in sorted(steps["steps"], key=lambda one: (one["tokens"], one["batch"]))
        ]
        yield from table_of(["K", "batch", "ms a step", "steps"], rows)


def _tax(results: Results) -> Iterator[str]:
    rows = tax.rows_of(results)
    if rows:
        yield from table_of(
            ["engine", "beside", "batch", "ms at K=0", "ms without", "ms more", "ratio"],
            [
                [
                    row.setup, row.beside, row.batch, f"{row.idle_ms:.3f}", f"{row.off_ms:.3f}",
                    f"{row.idle_ms - row.off_ms:.3f}", f"{row.idle_ms / row.off_ms:.3f}",
                ]
                for row in rows
            ],
        )  # fmt: skip


def _graphs(results: Results) -> Iterator[str]:
    rows = []
    for part, one in results.items():
        if part.kind != parts.GRAPHS:
            continue
        for depth, row in one["by_depth"].items():
            seen, full = row["batches_seen"], row["batches_full"]
            share = f"{100 * full / seen:.0f} %" if seen else None
            rows.append([part.setup, depth, seen, full, share, row["not_full"] or None])
    if rows:
        heads = ["engine", "K", "batch sizes seen", "FULL", "share", "not FULL at"]
        yield from table_of(heads, rows)


def _constrained(results: Results) -> Iterator[str]:
    one = results.get(Part(parts.CONSTRAINED, TIERED))
    if one is None:
        return
    plain = one["loads"]["all plain"]
    yield f"{one['clients']} clients, K={one['tokens']}."
    yield ""
    rows = []
    for name, row in one["loads"].items():
        ms, base, full = row["ms"], plain["ms"], row["full_share"]
        more = f"{100 * (ms / base - 1):+.1f} %" if ms and base else None
        rate = row["tokens_per_s"]
        rows.append(
            [
                name,
                None if ms is None else f"{ms:.3f}",
                more,
                None if rate is None else f"{rate:.0f}",
                None if full is None else f"{100 * full:.0f} %",
            ]
        )
    yield from table_of(["load", "ms a step", "against plain", "tokens/s", "steps FULL"], rows)


def _exact(results: Results, dry: bool) -> Iterator[str]:
    end = "" if dry else INVARIANT
    unaided = results.get(Part(parts.EXACT, OFF + end))
    flipped = results.get(Part(parts.EXACT, TIERED + end))
    if unaided is None or flipped is None:
        return
    comparison = exactness.differences(unaided, flipped)
    where = "float32 on CPU" if dry else "VLLM_BATCH_INVARIANT=1"
    yield (
        f"{comparison['differing']} of {comparison['answers']} answers differ from those without "
        f"speculation ({where}), over {comparison['iterations']:.0f} steps at K = "
        f"{', '.join(map(str, comparison['depths']))}."
    )
    if comparison["first_at"] is not None:
        yield f"The first difference is behind {comparison['first_at']} equal tokens."


def _tuned(results: Results) -> Iterator[str]:
    one = results.get(Part(parts.TUNED, TIERED))
    if one is not None:
        yield "```"
        yield report.text_of(one)
        yield "```"
