"""The model repository in a real Triton, with TensorRT-LLM's own parts stood in for.

Real: Triton 2.51 and its parsers, the Python backend, the page, the command of `main`. In `image/`
stands what needs a GPU: the image's model for the LLM API, and TensorRT-LLM's collector.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from hack.triton.server import Pod, Process, pod
from hack.vllm.environment import DEBIAN_PYTHON
from tandem_operator.engines import tensorrt_llm
from tandem_operator.engines.tensorrt_llm import pbtxt
from tandem_operator.engines.tensorrt_llm.series import READER
from tandem_operator.metrics.page import parse
from tandem_runtime.contract.table import Range, SpeculationTable
from tests.engines.triton.asking import wait
from tests.unit.engines import builders
from tests.unit.engines.tensorrt_llm.parts import TAKEN

IMAGE = Path(__file__).parent / "image"
NAME = "chat"

pytestmark = [pytest.mark.engine, pytest.mark.timeout(240)]


@contextlib.contextmanager
def main(place: Pod, folder: Path, **environ: str) -> Iterator[Process]:
    """`main` as the pod has it, by what the driver renders; ended on leaving."""
    from hack.triton.environment import ensure

    launch = builders.launch({**TAKEN, "engine.server": "Triton", "speculation.maxTokens": 5})
    parts = tensorrt_llm.DRIVER.render(replace(launch, name=NAME))
    for name, text in parts.config[0].files.items():
        (folder / name).write_text(text)
    place.put(SpeculationTable("abc", 1, (Range(1, 4, 4), Range(5, 256, 2))))
    own = place.environ({
        "PATH": f"{IMAGE}:{os.environ['PATH']}",
        "TRITON_ROOT": str(ensure() / "tritonserver"),
        "HTTP_PORT": str(place.http),
        "GRPC_PORT": str(place.grpc),
        "METRICS_PORT": str(place.metrics),
        "TANDEM_LOCK": json.dumps({"version": 1, "hash": "abc"}),
        **environ,
    })  # fmt: skip
    own["PYTHONPATH"] = f"{IMAGE / 'site'}:{own['PYTHONPATH']}"
    words = [
        *parts.leader.container["args"],
        f"--config={folder}",
        f"--stock-model={IMAGE / 'stock'}",
    ]
    log = folder / "log"
    with log.open("wb") as file:
        running = subprocess.Popen(
            [str(DEBIAN_PYTHON), "-m", "tandem_runtime.tensorrt_llm.start", *words],
            stdout=file, stderr=subprocess.STDOUT, env=own, start_new_session=True,
        )  # fmt: skip
    process = Process(running, log)
    try:
        yield process
    finally:
        process.stop()


@pytest.fixture(scope="module")
def place(triton_environment: Path) -> Iterator[Pod]:
    with pod() as made:
        yield made


@pytest.fixture(scope="module")
def server(place: Pod, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with main(place, tmp_path_factory.mktemp("config")) as process:

        def ready() -> bool:
            assert process.running.poll() is None, process.output()
            with contextlib.suppress(httpx.TransportError):
                return httpx.get(f"{place.url}/v2/health/ready", timeout=2).status_code == 200
            return False

        wait(ready, "Triton is ready")
        yield process


def asked(place: Pod, path: str, **body: Any) -> dict[str, Any]:
    url = f"{place.url}/v2/models/{NAME}/{path}"
    answer = httpx.post(url, json=body, timeout=30) if body else httpx.get(url, timeout=30)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_the_engine_is_given_the_depths_of_the_table_as_a_model_of_the_llm_api(
    place: Pod, server: Process
) -> None:
    answer = asked(place, "generate", text_input="hello", sampling_param_max_tokens=4)
    given = json.loads(answer["text_output"])

    assert given["speculative_config"] == {
        "decoding_type": "Draft_Target",
        "speculative_model": "/models/draft",
        "max_draft_len": 4,
        "draft_len_schedule": {"4": 4, "2048": 2},
    }
    assert given["backend"] == "pytorch"
    assert given["model"] == "/models/target"


def test_triton_has_the_inputs_of_the_file_and_streams(place: Pod, server: Process) -> None:
    config = asked(place, "config")

    assert config["model_transaction_policy"] == {"decoupled": True}
    assert {each["name"] for each in config["input"]} == {pbtxt.PROMPT, *pbtxt.INPUTS}
    assert {each["name"] for each in config["output"]} == set(pbtxt.OUTPUTS)


def test_its_page_is_read_as_that_of_trtllm_serve(place: Pod, server: Process) -> None:
    asked(place, "generate", text_input="hello")

    def seen() -> bool:
        text = httpx.get(f"{place.page_url}/metrics", timeout=10).text
        sample = READER.read(parse(text, READER.prefixes), time.monotonic())
        return (sample.running, sample.waiting) == (2, 1) and sample.totals["generated_tokens"] > 0

    wait(seen, "the engine's counters are on Triton's page")


def test_an_engine_that_cannot_start_ends_the_container_with_its_reason(
    triton_environment: Path, tmp_path: Path
) -> None:
    with pod() as place, main(place, tmp_path, STAND_IN_FAILS="1") as process:
        process.running.wait(60)

        assert process.running.returncode == 1
        assert "no GPU was found" in process.output()


def test_a_stop_ends_triton(place: Pod, server: Process) -> None:
    assert server.stop() == 0


def test_the_file_is_what_tritons_own_schema_takes(triton_environment: Path) -> None:
    code = (
        "import sys; from google.protobuf import text_format; "
        "from tritonclient.grpc import model_config_pb2 as m; "
        "c = text_format.Parse(sys.stdin.read(), m.ModelConfig()); "
        "print(c.backend, len(c.input), len(c.output), sum(i.optional for i in c.input))"
    )
    read = subprocess.run(
        [str(triton_environment / "bin" / "python"), "-c", code],
        input=pbtxt.text(), capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip

    inputs = len(pbtxt.INPUTS)
    assert read.stdout.split() == [
        "python", str(inputs + 1), str(len(pbtxt.OUTPUTS)), str(inputs),
    ]  # fmt: skip
