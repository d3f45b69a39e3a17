"""A command line read as `vllm serve` 0.32 reads it: options, their values, what is refused.

argparse does the reading, from the options that `hack/vllm/options.py` printed. Before it, as
vLLM's own parser does: underscores of a name are dashes, `-O3` is an option with its value, and
`--name.key value` is an object of which `key` is one part.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, NoReturn

from tandem_operator.engines.pod.flags import REFERENCE

RELEASE = (0, 32)
"""The release whose options these are."""
_FILE = ("facts", "options.json")
_OPTIMIZATION = "--optimization-level"
_SIZE = re.compile(r"\d+|\d+(?:\.\d+)?[kmgt]|\d+[KMGT]")
_SIZES_WITHIN = re.compile(r"(?<=[:\[,\s])(\d+(?:\.\d+)?)[kKmMgGtT]\b")
_OF_OBJECT = "{}"


@dataclass(frozen=True)
class CommandLine:
    """What the words say. `refusal` is why the engine ends at once, in argparse's words.

    `values` holds the last value of each option by its long name without dashes; for a switch the
    spelling that set it. It is empty where the words are refused.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    refusal: str | None = None


@cache
def read(words: tuple[str, ...]) -> CommandLine:
    """Read the words. Pure."""
    try:
        known, unknown = _parser().parse_known_args(_as_argparse_takes(words))
    except (argparse.ArgumentError, _RefusedError) as error:
        return CommandLine(refusal=str(error))
    if unknown:
        shown = " ".join(unknown)[:120]
        return CommandLine(refusal=f"unrecognized arguments: {shown}")
    return CommandLine({name: value for name, value in vars(known).items() if value is not None})


class _RefusedError(Exception):
    pass


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _RefusedError(message)


class _Switch(argparse.Action):
    def __call__(self, *given: Any) -> None:
        _, namespace, _, spelling = given
        setattr(namespace, self.dest, spelling)


class _Last(argparse.Action):
    def __call__(self, *given: Any) -> None:
        _, namespace, value, _ = given
        last = (value or [None])[-1] if isinstance(value, list) else value
        setattr(namespace, self.dest, last)


@cache
def _parser() -> _Parser:
    parser = _Parser(add_help=False, exit_on_error=False)
    text = resources.files(__package__ or "").joinpath(*_FILE).read_text()
    for option in json.loads(text):
        spellings, words = option["options"], option["words"]
        name = next(each for each in spellings if each.startswith("--"))[2:]
        if words == 0:
            parser.add_argument(*spellings, dest=name, action=_Switch, nargs=0)
            continue
        parser.add_argument(
            *spellings,
            dest=name,
            action=_Last,
            nargs=None if words == 1 else words,
            type=_form(option),
        )
    return parser


def _form(option: Mapping[str, Any]) -> Any:
    """A check of one word; it stays the text that it is."""
    form, choices, empty = option["form"], option.get("choices"), option.get("empty", False)

    def checked(word: str) -> str:
        if REFERENCE in word or (empty and word in ("", "None")):
            return word
        if choices is not None and word not in choices:
            raise argparse.ArgumentTypeError(f"{word!r} is none of {', '.join(choices)}")
        if not _HOLDS[form](word):
            raise argparse.ArgumentTypeError(f"{word!r} is {_MEANT[form]}")
        return word

    return checked


def _is_int(word: str) -> bool:
    try:
        int(word)
    except ValueError:
        return False
    return True


def _is_float(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _is_size(word: str) -> bool:
    return _SIZE.fullmatch(word.strip()) is not None or _is_int(word)


def _decoded(word: str) -> Any:
    return json.loads(_SIZES_WITHIN.sub(r"\1", word))


def _is_json(word: str) -> bool:
    try:
        _decoded(word)
    except ValueError:
        return False
    return True


def _is_object(word: str) -> bool:
    return _is_json(word) and isinstance(_decoded(word), dict)


_HOLDS = {
    "text": lambda word: True,
    "int": _is_int,
    "float": _is_float,
    "size": _is_size,
    "size or auto": lambda word: word.strip().lower() == "auto" or _is_size(word),
    "json": _is_json,
    "object": _is_object,
}
_MEANT = {
    "int": "no integer",
    "float": "no number",
    "size": "no integer (4096, 4k)",
    "size or auto": "no integer (4096, 4k) and not auto",
    "json": "no JSON",
    "object": "no JSON object",
}


def _as_argparse_takes(words: Sequence[str]) -> list[str]:
    taken: list[str] = []
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        key, separator, value = word.partition("=")
        if key.startswith("--"):
            name, dot, rest = key.partition(".")
            key = name.replace("_", "-") + dot + rest
        elif word.startswith("-O") and word != "-O":
            taken += [_OPTIMIZATION, word[3:] if word[2] == "=" else word[2:]]
            continue
        elif word == "-O":
            taken.append(_OPTIMIZATION)
            continue
        if word.startswith("-") and "." in key and not _is_float(word):
            position += not separator
            taken += [key.partition(".")[0], _OF_OBJECT]
            continue
        taken.append(key + separator + value)
    return taken
