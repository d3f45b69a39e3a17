"""Words of the command line: a word that is not known is named, with the nearest one that is."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

WRONG_USAGE = 2
_NUMBERS: dict[Any, type[int] | type[float]] = {int: int, float: float}


class Parser(argparse.ArgumentParser):
    """Flags in full or not at all, and an unknown one is told before anything that is missing."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **options})

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """As argparse does. Exits with status 2 at a flag that is not known here."""
        for word in self._flags(args or ()):
            self.error(f"there is no flag {word}{nearest(word, self._known())}")
        parsed, extra = super().parse_known_args(args, namespace)
        if extra and self._subparsers is None:
            # Here, and not where argparse tells it: by the verb's own name and help.
            self.error(f"there is no argument for {extra[0]!r}: leave it out")
        return parsed, extra

    def _known(self) -> list[str]:
        return [flag for flag in self._option_string_actions if flag.startswith("--")]

    def _flags(self, words: Sequence[str]) -> Iterable[str]:
        """The words that can only be flags and are none."""
        if self._subparsers is not None:
            # What stands behind the verb is the verb's to judge.
            verb = next((at for at, word in enumerate(words) if not word.startswith("-")), None)
            words = words[:verb]
        for word in words:
            if word == "--":
                return
            flag = word.partition("=")[0]
            if not word.startswith("-") or len(word) == 1 or " " in word:
                continue
            if self._negative_number_matcher.match(word):
                continue
            known = self._option_string_actions
            if flag not in known and (flag.startswith("--") or flag[:2] not in known):
                yield flag

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        """A value as its type. Raises ArgumentError, in words of the flag and not of Python."""
        if not arg_string and not isinstance(action, argparse._SubParsersAction):
            # `--name "$NAME"` where NAME is not set must not mean something else.
            raise argparse.ArgumentError(action, "is empty: give a value or leave it out")
        if action.type in _NUMBERS:
            try:
                return _NUMBERS[action.type](arg_string)
            except ValueError as problem:
                kind = "whole number" if action.type is int else "number"
                raise argparse.ArgumentError(action, f"{arg_string!r} is no {kind}") from problem
        return super()._get_value(action, arg_string)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        known = list(map(str, action.choices))
        what = "verb" if isinstance(action, argparse._SubParsersAction) else "value"
        raise argparse.ArgumentError(
            action,
            f"{str(value)!r} is no {what} here{nearest(str(value), known)}: {', '.join(known)}",
        )

    def error(self, message: str) -> NoReturn:
        """One line that says what is wrong and where help is; exit status 2."""
        self.exit(WRONG_USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def nearest(word: str, known: Iterable[str]) -> str:
    """`, did you mean ...?` where something known is near; else nothing."""
    spellings = {each.lower(): each for each in known}
    matches = difflib.get_close_matches(word.lower(), list(spellings), n=1, cutoff=0.6)
    return f", did you mean {spellings[matches[0]]}?" if matches else ""
