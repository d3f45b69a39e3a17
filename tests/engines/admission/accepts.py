"""Inside the engine's environment: whether vLLM's own parser and configuration take argument lists.

Reads the path of a JSON list of argument lists, and prints a JSON list of null (accepted) or the
error. More arguments are folders with stand-ins of packages. No weight is loaded and no server is
started.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys

os.environ |= {
    "VLLM_TARGET_DEVICE": "cpu",
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "ERROR",
}


def main() -> None:
    sys.path += sys.argv[2:]
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    parser = make_arg_parser(FlexibleArgumentParser())

    def refused(words: list[str]) -> str | None:
        try:
            parsed = parser.parse_args(words)
            parsed.model = parsed.model_tag or parsed.model
            validate_parsed_serve_args(parsed)
            AsyncEngineArgs.from_cli_args(parsed).create_engine_config()
        except (Exception, SystemExit) as error:  # noqa: BLE001
            return f"{type(error).__name__}: {error}"[:600]
        return None

    with open(sys.argv[1]) as file:
        cases = json.load(file)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        answers = [refused(words) for words in cases]
    print("\n" + json.dumps(answers))


if __name__ == "__main__":
    main()
