"""Pods that run otherwise than the spec says stay so: with another K, or without the draft."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tandem_runtime.contract.report import LockFailure
from tests.unit.planning.redeployed import removed, template
from tests.unit.planning.rolled_depth import moved
from tests.unit.planning.world import World

ROLLED = pytest.mark.parametrize("rolled", [moved, removed], ids=["another K", "no draft"])


@ROLLED
def test_a_refused_change_leaves_them_as_they_are(rolled: Callable[[], World]) -> None:
    world = rolled()
    before = template(world)
    world.edit({"draft.uri": "hf://org/other"})
    world.settle()
    world.lock_ends(LockFailure("ModelNotFound", "draft", "hf://org/other does not exist"))
    world.settle()

    assert template(world) == before


@ROLLED
def test_a_new_release_of_the_operator_rolls_none_of_them(rolled: Callable[[], World]) -> None:
    world = rolled()
    before = template(world)
    world.installation = replace(world.installation, runtime_image="registry.example/runtime:9")
    world.settle()

    assert template(world) == before
