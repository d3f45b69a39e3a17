"""What an operator holds in memory before anything is asked of it."""

from __future__ import annotations

import subprocess
import sys

OF_OTHERS = {
    "tandem_operator.bench": "measuring an engine",
    "tandem_operator.cli": "the command",
    "tandem_operator.simulation": "the simulator",
    "tandem_runtime.lock": "the lock Job",
    "tandem_runtime.plugin": "the engine's plugin",
    "argcomplete": "the command",
    "boto3": "the lock Job",
    "cel_expr_python": "the command",
    "httpx": "measuring an engine",
    "huggingface_hub": "the lock Job",
    "jsonschema": "the command",
    "matplotlib": "the command",
    "rich": "the command",
    "torch": "the torch engine",
    "numpy": "the tuner of the first ready pod",
    "prometheus_api_client": "metrics through Prometheus",
}


def test_the_process_reads_in_nothing_that_others_use_or_that_comes_later() -> None:
    code = "import sys, tandem_operator.__main__; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    loaded = set(done.stdout.split())
    assert "tandem_operator.app" in loaded
    assert {name: use for name, use in OF_OTHERS.items() if name in loaded} == {}
