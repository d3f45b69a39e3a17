"""A manifest as people read it: each part with what was seen of it, and the sum of memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from tandem_operator.cli.pair_inspection import Inspection
from tandem_runtime.contract.report import SideReport

Object = dict[str, Any]

GIB = 2**30
CONTEXT_TOKENS = 8192


@dataclass(frozen=True)
class Written:
    """A manifest, the inspection behind it, why K is as deep, and a device's GiB where known."""

    manifest: Object
    inspection: Inspection
    why_depth: str
    device_gib: float | None = None


def text_of(written: Written) -> str:
    """YAML with comments."""
    spec = written.manifest["spec"]
    report = written.inspection.report
    lines = [f"# {report.verdict} ({report.reason}): {report.message}"]
    lines += [f"# {line}" for line in memory_lines(written)]
    head = {key: value for key, value in written.manifest.items() if key != "spec"}
    lines += [*_yaml(head), "spec:"]
    notes = {
        "target": _seen(report.target),
        "draft": _seen(report.draft),
        "speculation": [
            f"the engine is started with K up to maxTokens ({written.why_depth}); while it serves "
            "K goes below"
        ],
        "engine": ["your own image runs unchanged; a digest in place of the tag is safer"],
        "parallelism": ["as many devices hold the weights; see the sum above"],
    }
    for key, value in spec.items():
        lines += [f"  # {line}" for line in notes.get(key, ())]
        lines += [f"  {line}" for line in _yaml({key: value})]
    return "\n".join(lines)


def memory_lines(written: Written) -> list[str]:
    """What one replica keeps on its devices, as far as the files tell it."""
    sides = {"target": written.inspection.report.target, "draft": written.inspection.report.draft}
    known = {name: side for name, side in sides.items() if side is not None}
    unknown = [name for name, side in known.items() if side.weight_bytes is None]
    if unknown:
        return [f"memory: the size of the {unknown[0]}'s weights is not known from its files"]
    weights = {name: (side.weight_bytes or 0) / GIB for name, side in known.items()}
    terms = " + ".join(f"{name} {size:.2f}" for name, size in weights.items())
    total = sum(weights.values())
    cache = sum(side.kv_bytes_per_token or 0 for side in known.values())
    lines = [f"memory of one replica: weights {terms} = {total:.2f} GiB"]
    if cache:
        cache_gib = cache * CONTEXT_TOKENS / GIB
        lines[0] += f"; KV cache {cache / 1024:.0f} KiB a token, "
        lines[0] += f"{cache_gib:.2f} GiB for {CONTEXT_TOKENS} tokens"
    if written.device_gib is not None:
        devices = written.manifest["spec"].get("parallelism", {}).get("tensor", 1)
        left = devices * written.device_gib - total
        place = f"on {devices} x {written.device_gib:g} GiB"
        lines.append(f"{place}: {left:.2f} GiB are left for the cache and the engine itself")
    return lines


def _seen(side: SideReport | None) -> list[str]:
    if side is None:
        return []
    size = None if side.parameters is None else f"{side.parameters / 1e9:.2f} B parameters"
    parts = [side.architecture, size, side.dtype]
    lines = [", ".join(part for part in parts if part)]
    if side.uri.startswith("hf://"):
        lines.append("the commit that was inspected; a branch is resolved and pinned as well")
    elif "://" not in side.uri:
        lines.append(f"{side.uri} was inspected: name the claim that holds the same files")
    return [line for line in lines if line]


def _yaml(document: Object) -> list[str]:
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    return text.rstrip().splitlines()
