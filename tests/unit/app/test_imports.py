"""What an operator holds in memory before anything is asked of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from hack.scale.operator_process import image_start

OF_OTHERS = {
    "tandem_operator.bench": "measuring an engine",
    "tandem_operator.cli": "the command",
    "tandem_operator.simulation": "the simulator",
    "tandem_runtime.lock": "the lock Job",
    "tandem_runtime.plugin": "the engine's plugin",
    "tandem_operator.engines.neuron": "a resource that names the engine",
    "tandem_operator.engines.sglang": "a resource that names the engine",
    "tandem_operator.engines.tensorrt_llm": "a resource that names the engine",
    "tandem_operator.engines.torch": "a resource that names the engine",
    "tandem_operator.engines.triton": "a resource that names the engine",
    "tandem_operator.engines.vllm": "a resource that names the engine",
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


LOADED = """
import sys, tandem_operator.__main__
from tandem_operator.api.fields import SpecModel, StatusModel

print(*sys.modules)
print(*sorted({line.split("/")[-1].strip() for line in open("/proc/self/maps") if "/" in line}))
models = [each for base in (SpecModel, StatusModel) for each in base.__subclasses__()]
print(*(each.__name__ for each in models if each.__pydantic_complete__))
print(open("/proc/self/status").read())
"""
ANONYMOUS = re.compile(r"^RssAnon:\s+(\d+) kB$", re.MULTILINE)


def read_in() -> tuple[set[str], set[str], set[str], float]:
    """Modules, mapped files, models with a validator and MiB after the imports, as in the image.

    But for the compiled code without texts, which a checkout need not have.
    """
    environment = {**os.environ, **image_start(), "PYTHONOPTIMIZE": ""}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    words = [sys.executable, "-c", LOADED]
    # Who compiles at its start holds more from then on.
    subprocess.run(words, capture_output=True, check=True, env=environment)
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)
    modules, files, models, status = done.stdout.split("\n", 3)
    anonymous = ANONYMOUS.search(status)
    assert anonymous is not None
    return (
        set(modules.split()),
        set(files.split()),
        set(models.split()),
        int(anonymous[1]) / 1024,
    )


def test_the_process_reads_in_nothing_that_others_use_or_that_comes_later() -> None:
    modules, files, models, anonymous_mib = read_in()

    assert "tandem_operator.app" in modules
    assert {name: use for name, use in OF_OTHERS.items() if name in modules} == {}
    assert not [name for name in files if name.startswith("libstdc++")]
    assert not models & {"Spec", "Engine", "Status"}, "made when first asked"
    assert anonymous_mib < 50.5, "a MiB above what it was when this was written"


def test_the_image_starts_without_texts_and_columns_that_only_readers_of_source_need() -> None:
    assert image_start() == {
        "PYTHONOPTIMIZE": "2",
        "PYTHONNODEBUGRANGES": "1",
        "FROZENLIST_NO_EXTENSIONS": "1",
    }
