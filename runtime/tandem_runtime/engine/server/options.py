"""The command line; names are vLLM's where vLLM has the option."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence as Listed
from pathlib import Path

from tandem_runtime.contract.engines.torch_engine import DTYPE, KV_CACHE_MIB
from tandem_runtime.engine.start import DRAFT_MODEL, LAYER_SKIP, N_GRAM
from tandem_runtime.engine.transformer.weights import DTYPES


def parse(arguments: Listed[str]) -> argparse.Namespace:
    """The options. Ends the process with a usage message when they are wrong."""
    parser = argparse.ArgumentParser(prog="tandem-engine", allow_abbrev=False)
    parser.add_argument("target", type=Path, help="folder of the target")
    parser.add_argument("--served-model-name", help="model name in the API; default: the folder's")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--api-key", default=os.environ.get("TORCH_ENGINE_API_KEY"))
    speculation = parser.add_argument_group("speculation")
    speculation.add_argument("--method", choices=[DRAFT_MODEL, N_GRAM, LAYER_SKIP])
    speculation.add_argument("--draft", type=Path, help="folder of the draft")
    speculation.add_argument("--exit-layer", type=_positive, help="default: half of the layers")
    speculation.add_argument("--prompt-lookup-min", type=_positive, default=1)
    speculation.add_argument("--prompt-lookup-max", type=_positive)
    speculation.add_argument(
        "--num-speculative-tokens", type=_positive, default=5, help="the deepest K"
    )  # fmt: skip
    speculation.add_argument(
        "--initial-tokens", type=int, default=3, help="K until the first table"
    )
    sizes = parser.add_argument_group("sizes")
    sizes.add_argument("--dtype", choices=sorted(DTYPES), default=DTYPE)
    sizes.add_argument("--device", default="cpu", help="a torch device, such as cuda")
    sizes.add_argument("--threads", type=_positive, help="CPU threads; default: torch's own")
    sizes.add_argument("--kv-cache-mib", type=_positive, default=KV_CACHE_MIB)
    sizes.add_argument("--max-model-len", type=_positive, help="default: the model's context")
    sizes.add_argument("--max-num-seqs", type=_positive, default=64)
    sizes.add_argument("--max-num-batched-tokens", type=_positive)
    sizes.add_argument("--max-queue", type=_positive, default=256, help="requests that may wait")
    sizes.add_argument("--max-body-bytes", type=_positive, default=1 << 20)
    sizes.add_argument("--drain-seconds", type=int, default=600, help="to let requests end")
    sizes.add_argument("--compile", action="store_true", help="torch.compile; needs a compiler")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not at least 1")
    return value
