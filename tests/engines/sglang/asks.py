"""Inside vLLM's environment, with SGLang on the path: what SGLang's own parser and checks say.

Reads the path of a JSON list of argument lists, and prints one of {"refused": text} or of what was
resolved. `options` as the only argument prints all spellings of options instead. No weight is
loaded, no kernel is called: torchvision, which only images need, is an empty stand-in.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.abc
import importlib.machinery
import io
import json
import logging
import sys
import types
from typing import Any

logging.disable(logging.CRITICAL)


class Nothing(types.ModuleType):
    """A module of a package that is absent: every name in it is an empty class."""

    __path__ = ()  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


class Absent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname.partition(".")[0] == "torchvision":
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: Any) -> types.ModuleType:
        return Nothing(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        pass


def resolved(words: list[str]) -> dict[str, Any]:
    from sglang.srt.arg_groups.overrides import resolved_view
    from sglang.srt.server_args import prepare_server_args

    try:
        made = prepare_server_args(words)
        made.resolve_once()
        made.check_server_args()
    except (Exception, SystemExit) as error:  # noqa: BLE001
        return {"refused": f"{type(error).__name__}: {error}"[:600]}
    view = resolved_view(made)
    return {
        "algorithm": view.speculative_algorithm,
        "steps": view.speculative_num_steps,
        "topk": view.speculative_eagle_topk,
        "draft_tokens": view.speculative_num_draft_tokens,
        "adaptive": view.speculative_adaptive,
        "candidates": candidates(view.speculative_adaptive_config),
    }


def candidates(path: str | None) -> dict[str, list[int]] | None:
    """What SGLang's own reader makes of the file at some batch sizes: the steps it may take."""
    if path is None:
        return None
    from sglang.srt.speculative.adaptive_spec_params import AdaptiveSpeculativeParams

    read = AdaptiveSpeculativeParams(initial_steps=1, cfg_path=path)
    return {str(size): read._route(size).candidate_steps for size in (1, 8, 9, 64, 65, 500)}


def main() -> None:
    import transformers  # noqa: F401 (asks for torchvision itself, and must not find any)

    sys.meta_path.append(Absent())
    from sglang.srt.server_args import ServerArgs

    if sys.argv[1] == "options":
        parser = argparse.ArgumentParser()
        ServerArgs.add_cli_args(parser)
        answers: Any = [
            {"options": list(action.option_strings), "value": action.nargs != 0}
            for action in parser._actions
            if action.option_strings
        ]
    else:
        with open(sys.argv[1]) as file:
            cases = json.load(file)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            answers = [resolved(words) for words in cases]
    print("\n" + json.dumps(answers))


if __name__ == "__main__":
    main()
