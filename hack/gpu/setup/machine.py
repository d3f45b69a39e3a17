"""What there is to measure with: the accelerator, vLLM's program, the versions.

A machine without a GPU makes a dry run: the same parts, shorter, with the tiny pair on CPU.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hack.vllm import environment

_ASKED_WITHIN_S = 180.0
_QUESTION = """
import json, sys, importlib.metadata as m, torch
facts = {"python": sys.version.split()[0], "torch": torch.__version__}
try:
    facts["vllm"] = m.version("vllm")
except m.PackageNotFoundError:
    facts["vllm"] = "not found"
if torch.cuda.is_available():
    gpu = torch.cuda.get_device_properties(0)
    facts["gpu"] = gpu.name
    facts["gpu_memory_gib"] = str(round(gpu.total_memory / 2**30, 1))
    facts["compute_capability"] = f"{gpu.major}.{gpu.minor}"
    facts["cuda"] = str(torch.version.cuda)
print("TANDEM " + json.dumps(facts))
"""


class MachineError(RuntimeError):
    """This machine cannot be measured; the message says what it lacks and what to give."""


@dataclass(frozen=True)
class Machine:
    """`serve` are the words of `vllm serve`; `facts` name GPU and versions; `dry`: no GPU."""

    serve: tuple[str, ...]
    facts: Mapping[str, str]
    dry: bool


def detect(vllm: Path | None, dry: bool) -> Machine:
    """The machine at hand.

    Args:
        vllm: the `vllm` program; None: the one on PATH.
        dry: measure on CPU whatever there is.

    Raises:
        MachineError: vLLM was named and does not answer.
        EnvironmentMissingError: a dry run, and the CPU's vLLM cannot be made here.
    """
    program = vllm or _on_path()
    if not dry and program is not None:
        facts = _facts(_interpreter(program))
        if "gpu" in facts:
            return Machine((str(program), "serve"), facts, dry=False)
        if vllm is not None:
            raise MachineError(
                f"{vllm}: its torch {facts['torch']} sees no GPU: check the driver, or run with "
                "DRY=1 on CPU"
            )
    folder = environment.ensure()
    facts = {**_facts(folder / "bin" / "python"), "gpu": "none: a dry run on CPU"}
    return Machine((str(folder / "bin" / "tandem-vllm"),), facts, dry=True)


def _on_path() -> Path | None:
    executable = shutil.which("vllm")
    return None if executable is None else Path(executable)


def _interpreter(program: Path) -> Path:
    """The Python that runs the program, by its first line."""
    try:
        with program.open("rb") as file:
            first = file.readline(4096).decode(errors="replace").strip()
    except OSError as problem:
        raise MachineError(f"{program}: {problem}: give the vllm program") from problem
    words = first.removeprefix("#!").split()
    if not first.startswith("#!") or not words or "python" not in words[-1]:
        raise MachineError(f"{program} is no Python program: give the vllm that pip installed")
    named = words[-1]
    interpreter = named if Path(named).is_absolute() else shutil.which(named)
    if interpreter is None:
        raise MachineError(f"{program} runs by {named}, which is not on PATH")
    return Path(interpreter)


def _facts(python: Path) -> dict[str, str]:
    try:
        asked = subprocess.run(
            [str(python), "-c", _QUESTION],
            capture_output=True, text=True, timeout=_ASKED_WITHIN_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise MachineError(f"{python} does not answer: {problem}") from problem
    for line in asked.stdout.splitlines():
        if line.startswith("TANDEM "):
            facts: dict[str, str] = json.loads(line.removeprefix("TANDEM "))
            return facts
    raise MachineError(f"{python} has no torch: {asked.stderr.strip()[-300:]}")
