"""How `main` starts TensorRT-LLM, with programs in its place that write down what they were given.

TensorRT-LLM itself needs a GPU and is not in any test.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tandem_runtime.contract.table import Range, SpeculationTable, render

REPOSITORY = Path(__file__).parents[3]
LOCK = json.dumps({
    "version": 1, "hash": "abc", "method": "NGram",
    "target": {"uri": "hf://o/t", "revision": None, "filesDigest": "sha256:0"},
})  # fmt: skip
LLM = {
    "return_perf_metrics": True,
    "speculative_config": {"decoding_type": "NGram", "max_draft_len": 5},
}
SERVER = """#!{python}
import json, sys
words = sys.argv[1:]
config = next((w.partition("=")[2] for w in words if w.startswith("--config=")), None)
print(json.dumps({{"words": words, "config": config and open(config).read()}}))
"""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """What an image has: programs, and the metadata of TensorRT-LLM."""
    for name in ("trtllm-serve", "tritonserver"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(SERVER.format(python=sys.executable))
        program.chmod(0o755)
    _release(tmp_path, "1.3.0rc29")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "llm.json").write_text(json.dumps(LLM))
    return tmp_path


def _release(image: Path, version: str) -> None:
    info = image / "site" / f"tensorrt_llm-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: tensorrt_llm\nVersion: {version}\n"
    )


def start(image: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(image / "site"), str(REPOSITORY / "runtime")])
    return subprocess.run(
        [sys.executable, "-m", "tandem_runtime.tensorrt_llm.start", *words],
        env={
            "PATH": f"{image / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": path,
            "TANDEM_LOCK": LOCK,
            "TANDEM_METRICS_DIR": str(image / "metrics"),
            **environ,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def serve(
    image: Path, table: SpeculationTable | None = None
) -> tuple[list[str], dict[str, object]]:
    environ = {}
    if table is not None:
        (image / "table.json").write_text(render(table))
        environ["TANDEM_TABLE_FILE"] = str(image / "table.json")
    ended = start(
        image, "trtllm-serve", "--name=chat", f"--config={image / 'config'}", "--initial-tokens=2",
        "--zero", "--", "serve", "/models/target", "--port=8000", **environ,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    message, answer = ended.stdout.splitlines()
    assert message.startswith("tandem: speculation: {"), "what it starts with is in the log"
    document = json.loads(answer)
    return document["words"], yaml.safe_load(document["config"])


def test_the_server_is_given_its_own_words_and_the_k_of_the_table(image: Path) -> None:
    table = SpeculationTable("abc", 3, (Range(1, 8, 4), Range(9, 256, 0)))
    words, config = serve(image, table)

    assert words[:3] == ["serve", "/models/target", "--port=8000"]
    assert config == {
        "return_perf_metrics": True,
        "speculative_config": {
            "decoding_type": "NGram",
            "max_draft_len": 4,
            "draft_len_schedule": {8: 4},
        },
    }


@pytest.mark.parametrize(
    "table", [None, SpeculationTable("another", 3, (Range(1, 8, 4), Range(9, 256, 0)))]
)
def test_without_a_table_of_its_own_lock_k_is_the_initial_one(
    image: Path, table: SpeculationTable | None
) -> None:
    _, config = serve(image, table)

    assert config["speculative_config"] == {"decoding_type": "NGram", "max_draft_len": 2}


def test_a_release_whose_schedule_means_something_else_is_not_started(image: Path) -> None:
    for entry in (image / "site").iterdir():
        (entry / "METADATA").unlink()
        entry.rmdir()
    _release(image, "1.2.1")
    ended = start(image, "trtllm-serve", "--name=chat")

    assert ended.returncode == 1
    assert "TensorRT-LLM 1.2.1, and 1.3 is the oldest" in ended.stderr


def test_an_image_without_the_engine_is_told(image: Path) -> None:
    ended = start(image, "trtllm-serve", "--name=chat", PYTHONPATH=str(REPOSITORY / "runtime"))

    assert ended.returncode == 1
    assert "spec.engine.image" in ended.stderr


def test_changed_files_are_never_served(image: Path) -> None:
    (image / "digests.json").write_text(
        json.dumps({"version": 1, "lock": "abc", "files": {str(image / "gone"): "sha256:0"}})
    )
    ended = start(
        image, "trtllm-serve", "--name=chat", f"--config={image / 'config'}",
        TANDEM_DIGESTS_FILE=str(image / "digests.json"),
    )  # fmt: skip

    assert ended.returncode == 1
    assert "the model was changed after it was locked" in ended.stderr


def test_an_image_of_triton_without_the_model_of_the_llm_api_is_told(image: Path) -> None:
    ended = start(image, "triton", "--name=chat", f"--config={image / 'config'}")

    assert ended.returncode == 1
    assert "/app/all_models/llmapi" in ended.stderr
    assert "engine.server: Native" in ended.stderr


def test_the_plugin_is_all_that_a_pod_needs(image: Path) -> None:
    from tandem_runtime.tensorrt_llm import install

    install.copy_to(image / "plugin")
    path = os.pathsep.join([str(image / "site"), str(image / "plugin")])
    ended = start(
        image, "trtllm-serve", "--name=chat", f"--config={image / 'config'}", PYTHONPATH=path
    )

    assert ended.returncode == 0, ended.stderr
