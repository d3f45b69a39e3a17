"""How vLLM is started: the words of its command line, the draft's configuration among them."""

import json
from typing import Any

from tandem_operator.engines.interface.launch import Launch
from tandem_operator.engines.pod.container import PORT
from tandem_operator.engines.vllm.depths import Depths
from tandem_operator.engines.vllm.facts.methods import METHODS
from tandem_runtime.contract import paths

START = f"""\
export PYTHONPATH="{paths.PLUGIN}${{PYTHONPATH:+:$PYTHONPATH}}"
if [ -n "${{VLLM_PLUGINS+set}}" ]; then export VLLM_PLUGINS="$VLLM_PLUGINS,tandem"; fi
exec vllm serve "$@"
"""
"""Adds the plugin to what the image itself puts on its path and names as its plugins: a variable
of the pod would replace those, and only a shell in the container sees them."""


def command() -> list[str]:
    """The container's command; its arguments are those of `vllm serve`."""
    return ["/bin/sh", "-c", START, "vllm"]


def arguments(launch: Launch, depths: Depths) -> list[str]:
    """The operator's own arguments, before the user's."""
    spec = launch.spec
    words = [
        paths.TARGET,
        f"--served-model-name={launch.values.served_name}",
        "--host=0.0.0.0",
        f"--port={PORT}",
    ]
    if spec.parallelism.tensor > 1:
        words.append(f"--tensor-parallel-size={spec.parallelism.tensor}")
    if spec.parallelism.pipeline > 1:
        words.append(f"--pipeline-parallel-size={spec.parallelism.pipeline}")
    if spec.parallelism.data > 1:
        words.append(f"--data-parallel-size={spec.parallelism.data}")
    if spec.tokenizer_lock.allow_remote_code:
        words.append("--trust-remote-code")
    if depths.captured_tokens is not None:
        words.append(f"--max-cudagraph-capture-size={depths.captured_tokens}")
    if not launch.without_speculation:
        words.append(f"--speculative-config={json.dumps(_speculative(launch, depths))}")
    return words


def _speculative(launch: Launch, depths: Depths) -> dict[str, Any]:
    spec = launch.spec
    speculation = spec.speculation
    config: dict[str, Any] = dict(speculation.engine_config or {})
    config["method"] = METHODS[speculation.method]
    config["num_speculative_tokens"] = depths.started
    if spec.draft is not None:
        config["model"] = paths.DRAFT
    if speculation.draft_tensor_parallel is not None:
        config["draft_tensor_parallel_size"] = speculation.draft_tensor_parallel
    if speculation.n_gram is not None:
        if speculation.n_gram.min_lookup is not None:
            config["prompt_lookup_min"] = speculation.n_gram.min_lookup
        if speculation.n_gram.max_lookup is not None:
            config["prompt_lookup_max"] = speculation.n_gram.max_lookup
    if depths.schedule is not None:
        config["num_speculative_tokens_per_batch_size"] = [list(each) for each in depths.schedule]
    return config
