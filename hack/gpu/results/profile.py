"""The profile of the measured engine, as `tandem simulate` reads it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hack.gpu import parts
from hack.gpu.options import Options
from hack.gpu.parts import Part
from hack.gpu.setup.machine import Machine
from hack.gpu.setup.setups import TIERED
from tandem_operator.bench.fit import FitError, fitted
from tandem_operator.bench.measured import from_document
from tandem_operator.bench.report import profile_of
from tandem_operator.simulation.world.profile import read_profile

FILE = "profile.json"


def write(machine: Machine, options: Options, results: Mapping[Part, Any]) -> list[Path]:
    """Write it; nothing is written before the steps of the tiered engine are measured.

    Raises OSError, and ProfileError for a profile that the simulator would refuse.
    """
    steps = results.get(Part(parts.STEPS, TIERED))
    if steps is None:
        return []
    measured = [from_document(one) for one in steps["blocks"]]
    lengths = options.lengths
    machine_named = machine.facts["gpu"]
    try:
        document = profile_of(
            fitted(measured),
            measured,
            name=f"{options.target.name} with {options.draft.name}, {machine_named}",
            source=f"make bench-gpu on {datetime.now(UTC).date()}: {len(measured)} blocks of "
            f"{lengths.times.block_s:g} s, vLLM {machine.facts['vllm']}"
            + (", a dry run: figures of a CPU." if machine.dry else "."),
            pair={
                "target": options.target.name,
                "draft": options.draft.name,
                "accelerator": machine_named,
            },
            max_running=lengths.max_requests,
            mixture_of_experts=None,
        )
    except FitError as problem:
        print(f"no profile yet: {problem}", file=sys.stderr)
        return []
    path = options.folder / FILE
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    read_profile(path)
    return [path]
