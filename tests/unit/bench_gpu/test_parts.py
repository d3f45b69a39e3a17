"""Which parts there are, on which engines."""

import pytest

from hack.gpu import parts
from hack.gpu.parts import Part, by_engine, parts_of
from hack.gpu.setup import setups
from hack.gpu.setup.setups import OFF, TIERED, UNTIERED, setups_of
from hack.tuning.phases import DEEPEST, TIERS

BOTH = pytest.mark.parametrize("dry", [False, True])


def engines(dry: bool) -> dict[str, setups.Setup]:
    return setups_of("draft_model", "/models/draft", 256, dry)


@BOTH
def test_every_part_has_its_engine_and_every_engine_a_part(dry: bool) -> None:
    planned = parts_of(dry)

    assert {part.setup for part in planned} == set(engines(dry))
    assert len(set(planned)) == len(planned)
    assert {part.kind for part in planned} == {
        parts.START, parts.STEPS, parts.GRAPHS, parts.CONSTRAINED, parts.EXACT, parts.TUNED,
    }  # fmt: skip


@BOTH
def test_what_must_be_known_is_measured_before_the_tuner(dry: bool) -> None:
    planned = parts_of(dry)

    assert planned[0].setup == OFF
    assert planned.index(Part(parts.STEPS, TIERED)) < planned.index(Part(parts.TUNED, TIERED))


def test_neighbours_of_one_engine_share_its_start() -> None:
    neighbours = [name for name, _ in by_engine(parts_of(dry=True))]

    assert len(neighbours) == len(set(neighbours))


@BOTH
def test_every_engine_is_compared_with_one_of_its_kind_without_speculation(dry: bool) -> None:
    known = engines(dry)

    for name, setup in known.items():
        beside = known[setups.unaided(name)]
        assert beside.speculative is None
        assert dict(beside.environ) == dict(setup.environ)


def test_the_tiered_engine_names_every_tier_at_its_start_and_the_other_none() -> None:
    known = engines(dry=False)
    schedule = (known[TIERED].speculative or {})["num_speculative_tokens_per_batch_size"]
    untiered = known[UNTIERED].speculative or {}

    assert {span[2] for span in schedule} == set(TIERS)
    assert schedule[-1][0] == 256
    assert untiered["num_speculative_tokens"] == DEEPEST
    assert "num_speculative_tokens_per_batch_size" not in untiered
