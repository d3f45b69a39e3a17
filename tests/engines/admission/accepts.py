"""Inside the engine's environment: whether vLLM's own parser and configuration take argument lists.

Reads the path of a JSON list of pairs, of arguments and the model runner (V1, V2, or null for
vLLM's own choice), and prints vLLM's version and, as a JSON list, null (accepted) or the error of
each. No weight is loaded and no server is started.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import sys
from typing import Any

RUNNER = "VLLM_USE_V2_MODEL_RUNNER"
os.environ |= {
    "VLLM_TARGET_DEVICE": "cpu",
    "TRITON_INTERPRET": "1",
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "ERROR",
}


def main() -> None:
    import vllm
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    serve = _module("vllm.entrypoints.common.cli_args", "vllm.entrypoints.launchers.cli_args")
    parser = serve.make_arg_parser(FlexibleArgumentParser())

    def refused(words: list[str], runner: str | None) -> str | None:
        os.environ.pop(RUNNER, None)
        if runner is not None:
            os.environ[RUNNER] = "1" if runner == "V2" else "0"
        try:
            parsed = parser.parse_args(words)
            parsed.model = parsed.model_tag or parsed.model
            serve.validate_parsed_serve_args(parsed)
            AsyncEngineArgs.from_cli_args(parsed).create_engine_config()
        except (Exception, SystemExit) as error:  # noqa: BLE001
            return f"{type(error).__name__}: {error}"[:600]
        return None

    with open(sys.argv[1]) as file:
        cases = json.load(file)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        answers = [refused(*case) for case in cases]
    print("\n" + vllm.__version__ + "\n" + json.dumps(answers))


def _module(*names: str) -> Any:
    """The first of these that there is: 0.33 moved the parser."""
    for name in names:
        with contextlib.suppress(ModuleNotFoundError):
            return importlib.import_module(name)
    raise ModuleNotFoundError(f"this vLLM has none of {names}")


if __name__ == "__main__":
    main()
