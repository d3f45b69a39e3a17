"""Words of the command line: a word that is not known is named, with the nearest one that is."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

WRONG_USAGE = 2


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
        return super().parse_known_args(args, namespace)

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
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f", did you mean {matches[0]}?" if matches else ""
