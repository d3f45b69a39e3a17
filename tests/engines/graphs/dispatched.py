"""Which CUDA graph vLLM's own dispatch takes for each K and batch. Run by the engine's Python.

Reads a list of engines as JSON from its argument and prints one of answers. vLLM's real
configuration code chooses the sizes, its real manager lists the graphs and dispatches; every listed
graph counts as captured. Only what they read of a model and a device is made up: no graph is
captured or replayed here.
"""

import json
import sys
from types import SimpleNamespace

from vllm.config import CompilationConfig, VllmConfig
from vllm.config.compilation import CUDAGraphMode
from vllm.platforms import current_platform
from vllm.v1.worker.gpu import cudagraph_utils

MODE = CUDAGraphMode.FULL_AND_PIECEWISE


def manager(asked):
    """vLLM's manager for one engine, as its model runner makes it."""
    schedule = asked["schedule"]
    speculative = SimpleNamespace(
        uses_dynamic_speculative_decoding=lambda: schedule is not None,
        num_speculative_tokens_per_batch_size=schedule,
        num_speculative_tokens=asked["deepest"],
        parallel_drafting=False,
    )
    sizes = {}
    if asked["captured_tokens"] is not None:
        sizes["max_cudagraph_capture_size"] = asked["captured_tokens"]
    config = SimpleNamespace(
        model_config=SimpleNamespace(enforce_eager=False),
        compilation_config=CompilationConfig(cudagraph_mode=MODE, **sizes),
        speculative_config=speculative,
        scheduler_config=SimpleNamespace(max_num_seqs=asked["batch"], max_num_batched_tokens=8192),
        parallel_config=SimpleNamespace(
            tensor_parallel_size=1, data_parallel_size=1, enable_dbo=False, use_ubatching=False
        ),
        cache_config=SimpleNamespace(use_kda_recoverssm=False),
        lora_config=None,
        num_speculative_tokens=asked["deepest"],
        uniform_decode_query_len=asked["deepest"] + 1,
        performance_mode="balanced",
        use_v2_model_runner=True,
    )
    VllmConfig._set_cudagraph_sizes(config)
    made = cudagraph_utils.CudaGraphManager(config, "cpu", MODE, asked["deepest"] + 1)
    made._graphs_captured = True
    made.graphs = dict.fromkeys(
        each for descriptors in made._capture_descs.values() for each in descriptors
    )
    return made


def answer(asked):
    """Shares of batches with a full graph by K, and how many full graphs there are."""
    platform = type(current_platform)
    platform.is_device_capability_family = classmethod(lambda *_: asked["blackwell"])
    made = manager(asked)
    full = {
        k: sum(
            made.dispatch(batch, batch * (k + 1), k + 1, 0).cg_mode == CUDAGraphMode.FULL
            for batch in range(1, asked["upto"] + 1)
        )
        / asked["upto"]
        for k in asked["tiers"]
    }
    graphs = [each for each in made.graphs if each.cg_mode == CUDAGraphMode.FULL]
    return {"full": full, "graphs": len(graphs)}


def main(engines):
    group = SimpleNamespace(is_first_rank=True, is_last_rank=True)
    cudagraph_utils.get_pp_group = lambda: group
    type(current_platform).get_global_graph_pool = lambda *_: None
    print("REPORT " + json.dumps([answer(asked) for asked in engines]))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
