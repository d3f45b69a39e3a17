"""Runs tests against mutants, each in a process of its own, without touching a file.

A process that has imported what tests need is forked. In the fork functions get the mutant's code
in place, which takes a moment. What survives that is tried again with all of our modules imported
anew, and so is what changes more than functions: there the mutant's module is made from memory.
A test that starts another Python does not see the mutant there.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import resource
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

from hack.mutants.rooms import ROOT
from hack.mutants.selection import Mutant
from hack.mutants.tests import ARGUMENTS, Seen, quiet

OURS = ("tandem_operator", "tandem_runtime", "tests", "hack.")
KEPT = ("hack.mutants",)


def run_all(
    mutants: Sequence[Mutant], seen: Seen, at_once: int, done: Callable[[Mutant, bool], None]
) -> None:
    """Calls `done` with each mutant and whether a test noticed it, as they end."""
    _import_what_tests_need(seen)
    running: dict[int, tuple[Mutant, bool]] = {}
    waiting = [(mutant, mutant.in_function) for mutant in mutants]
    while waiting or running:
        while waiting and len(running) < at_once:
            mutant, quick = waiting.pop(0)
            running[_forked(mutant, seen, quick)] = mutant, quick
        child, status = os.wait()
        mutant, quick = running.pop(child)
        if quick and status == 0:
            waiting.insert(0, (mutant, False))
        else:
            done(mutant, status != 0)


def _import_what_tests_need(seen: Seen) -> None:
    files = sorted({test.partition("::")[0] for test in seen.seconds})
    with quiet():
        pytest.main([*ARGUMENTS, "--collect-only", *files])
    for name in filter(sys.modules.__contains__, OURS[:2]):
        location = str(sys.modules[name].__path__[0])
        if not location.startswith(str(ROOT)):
            raise ImportError(f"tests import {name} from {location}: run make setup in {ROOT}")


def _forked(mutant: Mutant, seen: Seen, quick: bool) -> int:
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        tests = seen.of(mutant)
        seconds = 30 + int(10 * sum(seen.seconds[test] for test in tests))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        sys.dont_write_bytecode = True
        if quick:
            _put_into_functions(mutant)
        else:
            _forget_our_modules()
            sys.meta_path.insert(0, _Finder(mutant))
        with quiet():
            code = int(pytest.main([*ARGUMENTS, "-x", *tests]))
    finally:
        os._exit(code)


def _put_into_functions(mutant: Mutant) -> None:
    """Whoever holds a function of the mutant's file runs the mutant's code from now on."""
    path = str(ROOT / mutant.file)
    changed = {_key(code): code for code in _codes(compile(mutant.code, path, "exec"))}
    for function in gc.get_objects():
        if isinstance(function, FunctionType) and function.__code__.co_filename == path:
            code = changed.get(_key(function.__code__))
            if code is not None and code.co_freevars == function.__code__.co_freevars:
                function.__code__ = code


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _key(code: CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno


def _forget_our_modules() -> None:
    for name in list(sys.modules):
        if name.startswith(OURS) and not name.startswith(KEPT):
            del sys.modules[name]


class _Finder:
    """Finds the mutant's module, and leaves all others to the usual finders."""

    def __init__(self, mutant: Mutant) -> None:
        self._path = ROOT / mutant.file
        parts = Path(mutant.file).with_suffix("").parts[1:]
        self._name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        self._code = mutant.code

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != self._name:
            return None
        loader = _Loader(name, str(self._path), self._code)
        return importlib.util.spec_from_file_location(name, self._path, loader=loader)


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, code: str) -> None:
        super().__init__(name, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._code, self.path, "exec", dont_inherit=True)
