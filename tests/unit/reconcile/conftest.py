"""A scene of its own for each test."""

from __future__ import annotations

import pytest

from tests.unit.reconcile.scene import Scene


@pytest.fixture
def scene() -> Scene:
    return Scene()
