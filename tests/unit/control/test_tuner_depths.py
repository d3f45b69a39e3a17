"""What a resource asks of its tuner: bands are tiers, K=0 has the price of its engine."""

from __future__ import annotations

import pytest

from tandem_operator.api.status import LiveMode
from tandem_operator.control.tuner_settings import drafts_all, settings_of
from tandem_operator.planning import ReplicaView
from tests.unit.engines.builders import spec

TIERS = (0, 1, 3, 7)


@pytest.mark.parametrize(("asked", "lowest"), [(0, 0), (1, 1), (2, 1), (3, 3), (6, 3), (7, 7)])
def test_the_lower_end_of_the_band_is_taken_down_to_a_tier(asked: int, lowest: int) -> None:
    settings = settings_of(spec({"tuning.minTokens": asked}), TIERS)

    assert settings.min_tokens == lowest
    assert settings.active_depths[0] == lowest


@pytest.mark.parametrize(("asked", "highest"), [(1, 1), (2, 1), (5, 3), (7, 7)])
def test_so_is_its_upper_end(asked: int, highest: int) -> None:
    assert settings_of(spec({"tuning.maxTokens": asked}), TIERS).depths[-1] == highest


@pytest.mark.parametrize(
    ("live_mode", "modes", "expected"),
    [
        (LiveMode.LOOKUP, (), False),
        (LiveMode.TRIM, (), True),
        (LiveMode.LOOKUP, ("trim",), True),
        (LiveMode.LOOKUP, ("lookup", "trim"), True),
        (LiveMode.TRIM, ("lookup", None), False),
        (LiveMode.ROLLOUT, ("observe",), False),
    ],
)
def test_the_plugins_word_on_what_a_lower_k_saves_counts_before_the_drivers(
    live_mode: LiveMode, modes: tuple[str | None, ...], expected: bool
) -> None:
    replicas = [ReplicaView(pod=str(mode), uid="", mode=mode) for mode in modes]

    assert drafts_all(live_mode, replicas) is expected
    assert settings_of(spec(), TIERS, None, expected).drafts_all is expected
