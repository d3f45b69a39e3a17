"""Runs engines in this process as a scenario says: `ENGINE/bin/python run.py SCENARIO.json OUT`.

A scenario is what `engine.Scenario` writes. Collected by nothing: `engine.run` calls it, in the
engine's own Python with the shim and the plugin on PYTHONPATH.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from faults import FAULTS
from probe import Probe, Tables
from vllm import LLM, SamplingParams
from vllm.distributed import cleanup_dist_env_and_memory
from vllm.platforms.cpu import CpuPlatform
from vllm.sampling_params import StructuredOutputsParams

from tandem_runtime.contract.table import BYPASS

CONSTRAINT = "[a-f ]{20,40}"


def prompts(pair: Path, count: int) -> list[str]:
    """Code and prose in turn."""
    kinds = [(pair / "prompts" / f"{name}.jsonl").read_text() for name in ("code", "prose")]
    both = zip(*(map(json.loads, kind.splitlines()) for kind in kinds), strict=True)
    return [line["prompt"] for pair_of in both for line in pair_of][:count]


def parameters(phase: dict[str, Any], count: int) -> list[SamplingParams]:
    """Greedy; of a phase with constrained requests every second one is."""
    wanted = []
    for number in range(count):
        one = SamplingParams(temperature=0.0, max_tokens=phase["tokens"], ignore_eos=True)
        if phase.get("constrained") and number % 2 == phase.get("remainder", 1):
            turns = phase.get("constraints") or [{"regex": CONSTRAINT}]
            one.structured_outputs = StructuredOutputsParams(**turns[number // 2 % len(turns)])
        wanted.append(one)
    return wanted


def play(probe: Probe, tables: Tables, llm: Any, pair: Path, phase: dict[str, Any]) -> Any:
    """One phase: the tokens of all its requests, and its steps."""
    tables.phase(phase["depths"], phase.get("policy", BYPASS), phase.get("seed", 1))
    texts = prompts(pair, phase["requests"])
    began_s = time.monotonic()
    outputs = llm.generate(texts, parameters(phase, len(texts)), use_tqdm=False)
    if probe.scheduler.tandem is not None:
        probe.scheduler.tandem.live.content("", "")
    steps = list(probe.steps)
    probe.steps.clear()
    while steps and "cells" not in steps[-1]:
        # Scheduled ahead, for requests that had ended; its output comes with the next phase's.
        steps.pop()
    return {
        "tokens": [list(one.outputs[0].token_ids) for one in outputs],
        "steps": steps,
        "policy": phase.get("policy", BYPASS),
        "seconds": round(time.monotonic() - began_s, 2),
    }


def serve(engine: dict[str, Any], pair: Path) -> dict[str, Any]:
    """One engine, from its start to its end."""
    os.environ["TANDEM_TEST_ASYNC"] = "1" if engine["asynchronous"] else "0"
    speculative = engine["speculative"]
    llm = LLM(
        str(pair / "target"), dtype="float32", enforce_eager=True, max_model_len=512,
        max_num_seqs=8, block_size=32, speculative_config=speculative,
        num_gpu_blocks_override=engine["blocks"], max_num_batched_tokens=engine["batched_tokens"],
        enable_prefix_caching=False, **engine.get("options", {}),
    )  # fmt: skip
    tables = Tables(speculative["num_speculative_tokens"] if speculative else 0)
    probe = Probe(llm.llm_engine, tables)
    if engine.get("fault"):
        FAULTS[engine["fault"]](probe)
    control = probe.scheduler.tandem
    report: dict[str, Any] = {
        "runner": type(probe.runner).__module__,
        "scheduler": [cls.__name__ for cls in type(probe.scheduler).__mro__],
        "support": None if control is None else list(control.support),
        "phases": {},
    }
    for phase in engine["phases"]:
        report["phases"][phase["name"]] = play(probe, tables, llm, pair, phase)
    report["errors"] = 0 if control is None else control.live.errors
    report["mixed_depth_steps"] = (
        0 if control is None else control.live.counters.snapshot()["mixed_depth_steps"]
    )
    llm.llm_engine.engine_core.shutdown()
    del llm, probe
    gc.collect()
    cleanup_dist_env_and_memory()
    return report


def main() -> None:
    scenario = json.loads(Path(sys.argv[1]).read_text())
    pair = Path(scenario["pair"])
    reports = {}
    for name, engine in scenario["engines"].items():
        reports[name] = serve(engine, pair)
        # vLLM replaces kernels by going through all loaded modules; a second time it fails on some.
        CpuPlatform.register_triton_kernel_overrides = classmethod(lambda _: None)
    Path(sys.argv[2]).write_text(json.dumps(reports))


if __name__ == "__main__":
    main()
