"""Runs vLLM's two model runners on a CPU, for the tests of this folder.

Several engines run one after the other in one process of the engine's own Python: most of a run's
time is imports and the interpreter's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tandem_runtime.vllm.install import copy_to

REPOSITORY = Path(__file__).resolve().parents[3]
PAIR = REPOSITORY / "examples" / "tiny-pair"
DEEPEST = 5
BUDGET = 96
"""Tokens a step at most: prompts are read in several steps."""
BLOCKS = 20
"""KV blocks of 32 tokens: a crowd does not fit."""
_HERE = Path(__file__).resolve().parent
_NGRAM = {"prompt_lookup_max": 3, "prompt_lookup_min": 1}


def shim(folder: Path) -> Path:
    """Put what the CPU build lacks for Model Runner V2 into a folder for PYTHONPATH."""
    package = "interpreted_triton"
    shutil.copytree(
        _HERE / "shim" / package,
        folder / package,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    metadata = folder / f"{package}-1.dist-info"
    metadata.mkdir(exist_ok=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
    shutil.copyfile(_HERE / "shim" / "entry_points.txt", metadata / "entry_points.txt")
    return folder


def environ(folder: Path, second_runner: bool) -> dict[str, str]:
    """The variables with which a process runs one of the runners, with the plugin."""
    path = [str(folder / "plugin")]
    copy_to(folder / "plugin")
    variables = {
        "VLLM_CACHE_ROOT": str(folder / "cache"),
        "TANDEM_METRICS_DIR": str(folder / "metrics"),
        "HF_HUB_OFFLINE": "1",
    }
    if second_runner:
        path.append(str(shim(folder / "shim")))
        variables |= {"TRITON_INTERPRET": "1", "VLLM_USE_V2_MODEL_RUNNER": "1"}
    return variables | {"PYTHONPATH": os.pathsep.join(path)}


def speculative(method: str, head: Path | None = None) -> dict[str, Any] | None:
    """vLLM's configuration of a method; None for "none"."""
    match method:
        case "none":
            return None
        case "draft_model":
            chosen: dict[str, Any] = {"model": str(PAIR / "draft")}
        case "eagle":
            chosen = {"model": str(head)}
        case _:
            chosen = dict(_NGRAM)
    return {"method": method, "num_speculative_tokens": DEEPEST, **chosen}


def engine(
    method: Mapping[str, Any] | None,
    phases: Sequence[Mapping[str, Any]],
    asynchronous: bool = False,
    **changes: Any,
) -> dict[str, Any]:
    """One engine of a scenario: few blocks and small chunks, so that a crowd is preempted."""
    return {
        "speculative": method,
        "phases": list(phases),
        "asynchronous": asynchronous,
        "blocks": BLOCKS,
        "batched_tokens": BUDGET,
        **changes,
    }


def run(
    environment: Path, folder: Path, second_runner: bool, engines: Mapping[str, Any]
) -> dict[str, Any]:
    """The reports of these engines by name. A process that fails fails the test with its output."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scenario.json").write_text(json.dumps({"pair": str(PAIR), "engines": engines}))
    done = subprocess.run(
        [environment / "bin" / "python", _HERE / "inside" / "run.py",
         folder / "scenario.json", folder / "report.json"],
        capture_output=True,
        text=True,
        timeout=1700,
        env={
            **os.environ,
            **environ(folder, second_runner),
            "LD_PRELOAD": str(environment / "lib" / "libiomp5.so"),
            "VLLM_TARGET_DEVICE": "cpu",
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
            "VLLM_NO_USAGE_STATS": "1",
            # Several of these processes share two cores.
            "OMP_NUM_THREADS": "1",
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
    reports: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return reports
