"""Coverage-guided fuzzing of everything that reads a model's files: no input may raise.

`python -m tests.fuzz.formats FAMILY [libFuzzer options]`, for instance `-max_total_time=300`.
An input's first byte chooses the file of the family that the rest is the content of; the other
files are those of a small model. Whatever the lock makes of it must also be judged against a sound
model from both sides, and be told in a valid message.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["tandem_runtime"]):
    from tandem_runtime.contract import report
    from tandem_runtime.contract.request import METHODS, LockRequest, SourceRequest
    from tandem_runtime.lock.files import folder
    from tandem_runtime.lock.verdict import evaluate
    from tandem_runtime.lock.verdict import inspect as inspect_side
    from tandem_runtime.lock.verdict.evaluate import Seen

from tests.fuzz import seeds

_ODD_VALUES: list[Any] = [
    None, True, False, 0, -1, 1.5, 1e300, 1 << 63, "", "x", "<0x41>", "\u0120", "▁", [], {}, [1],
    [[]], {"a": 1}, [None, None], {"type": "Sequence", "decoders": [None]}, {"String": ""},
    {"Regex": "("}, {"type": "ByteLevel"}, {"type": "Metaspace"}, {"content": "x", "id": 1},
]  # fmt: skip
_MEMORY = Path("/dev/shm")


class Room:
    """A folder in memory that holds one family's files, one of them from the fuzzer."""

    def __init__(self, family: str, path: Path) -> None:
        self._files = seeds.FAMILIES[family]
        # The others would cover all code on their own, and no change of these would seem new.
        self._names = sorted(set(self._files) - seeds.UNCHANGED.get(family, frozenset()))
        self._path = path
        for name, content in self._files.items():
            (path / name).write_bytes(content)
        with tempfile.TemporaryDirectory() as sound:
            for name, content in seeds.SOUND.items():
                (Path(sound) / name).write_bytes(content)
            self._sound = Seen(inspect_side.at(folder.at(Path(sound))), "hf://acme/sound")

    def corpus(self) -> list[bytes]:
        """One input for each file."""
        return [bytes([index]) + self._files[name] for index, name in enumerate(self._names)]

    def inspect(self, data: bytes) -> None:
        """What the fuzzer calls: whatever is wrong must be said and not raised."""
        if not data:
            return
        name = self._names[data[0] % len(self._names)]
        (self._path / name).write_bytes(data[1:])
        try:
            seen = Seen(inspect_side.at(folder.at(self._path)), "hf://acme/fuzzed")
        finally:
            (self._path / name).write_bytes(self._files[name])
        method = METHODS[len(data) % len(METHODS)]
        for target, draft in ((self._sound, seen), (seen, self._sound), (seen, seen)):
            asked = LockRequest(
                method, "VocabPrefix", SourceRequest(target.uri), SourceRequest(draft.uri)
            )
            verdict = evaluate.evaluate(
                asked, target, None if method in evaluate.WITHOUT_DRAFT else draft
            )
            message = report.render(verdict)
            assert len(message) <= report.MAX_BYTES
            assert report.parse(message) is not None


def mutate(data: bytes, most_bytes: int, seed: int) -> bytes:
    """Change a JSON document's tree, so that it stays one; other bytes as the library does."""
    chance = random.Random(seed)
    if len(data) > 1 and chance.random() < 0.6:
        try:
            value = json.loads(data[1:])
        except (ValueError, RecursionError):
            pass
        else:
            content = json.dumps(_changed(value, chance)).encode()
            if len(content) < most_bytes:
                return data[:1] + content
    return bytes(atheris.Mutate(data, most_bytes))


def _changed(value: Any, chance: random.Random) -> Any:
    if chance.random() < 0.02:
        return chance.choice(_ODD_VALUES)
    if isinstance(value, dict):
        return {
            key: _changed(content, chance)
            for key, content in value.items()
            if chance.random() > 0.01
        }
    if isinstance(value, list):
        return [_changed(content, chance) for content in value if chance.random() > 0.01]
    if type(value) is int and chance.random() < 0.02:
        return value + chance.choice([-1, 1, 256, 1 << 23])
    return value


def main(arguments: list[str]) -> None:
    """Fuzz until libFuzzer's options end it; a crash ends it with a status other than 0."""
    family, *options = arguments
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as scratch:
        model, corpus = Path(scratch) / "model", Path(scratch) / "corpus"
        model.mkdir()
        corpus.mkdir()
        room = Room(family, model)
        for index, content in enumerate(room.corpus()):
            (corpus / f"seed-{index}").write_bytes(content)
        one: Callable[[bytes], None] = room.inspect
        atheris.Setup([sys.argv[0], *options, str(corpus)], one, custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
