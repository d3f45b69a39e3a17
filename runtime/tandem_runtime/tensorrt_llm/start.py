"""`python -m tandem_runtime.tensorrt_llm.start {trtllm-serve,triton} [options] -- WORDS`.

Writes the configuration of the LLM API with the K of the table, then becomes `trtllm-serve WORDS`,
or stands over a Triton that has it in a model repository.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from tempfile import mkdtemp

from tandem_runtime.contract.engines import tensorrt_llm as contract
from tandem_runtime.plugin.digests import check_or_exit
from tandem_runtime.plugin.table import at_start
from tandem_runtime.tensorrt_llm import triton_server
from tandem_runtime.tensorrt_llm.configuration import with_depths, yaml_of
from tandem_runtime.tensorrt_llm.repository import STOCK

DISTRIBUTION = "tensorrt_llm"


def main() -> None:
    """Serve until SIGTERM; ends with a sentence where files or image do not allow it."""
    check_or_exit()
    own, words = _parse(sys.argv[1:])
    try:
        _check_release(metadata.version(DISTRIBUTION))
    except metadata.PackageNotFoundError:
        sys.exit(
            "tandem: this image has no TensorRT-LLM: name one of NVIDIA's in spec.engine.image"
        )
    try:
        base = json.loads((own.config / contract.LLM_FILE).read_text())
        wanted = with_depths(
            base,
            at_start.of_pod(os.environ, "speculation.initialTokens"),
            own.initial_tokens,
            zero=own.zero,
        )
        print(f"tandem: speculation: {json.dumps(wanted.get(contract.SPECULATIVE))}", flush=True)
        folder = Path(mkdtemp(prefix="tandem-tensorrt-llm-"))
        if own.server == contract.TRITON:
            sys.exit(triton_server.run(folder, own.config, own.name, wanted, own.stock_model))
        written = folder / "llm.yaml"
        written.write_text(yaml_of(wanted))
        os.execvp(contract.SERVE, [contract.SERVE, *words, f"--config={written}"])  # noqa: S606
    except (OSError, triton_server.EngineLostError) as error:
        sys.exit(f"tandem: {error}")


def _check_release(version: str) -> None:
    match = re.match(r"(\d+)\.(\d+)", version)
    if match is None or (int(match[1]), int(match[2])) < contract.OLDEST:
        least = ".".join(map(str, contract.OLDEST))
        sys.exit(
            f"tandem: this image has TensorRT-LLM {version}, and {least} is the oldest that is "
            "driven: its schedule has another meaning, and its page tells no running requests"
        )


def _parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(prog="tandem-tensorrt-llm", allow_abbrev=False)
    parser.add_argument("server", choices=(contract.SERVE, contract.TRITON))
    parser.add_argument("--name", required=True, help="the model's name to clients")
    parser.add_argument("--config", type=Path, default=Path(contract.CONFIG_FOLDER))
    parser.add_argument(
        "--stock-model", type=Path, default=STOCK, help="the image's model for the LLM API"
    )
    parser.add_argument("--initial-tokens", type=int, default=0)
    parser.add_argument("--zero", action="store_true", help="K may be 0 in a step")
    own, _, words = _halves(list(arguments))
    return parser.parse_args(own), words


def _halves(arguments: list[str]) -> tuple[list[str], str, list[str]]:
    if "--" not in arguments:
        return arguments, "", []
    at = arguments.index("--")
    return arguments[:at], "--", arguments[at + 1 :]


if __name__ == "__main__":
    main()
