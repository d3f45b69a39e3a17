"""The simulated engine reads its table with the plugin's interpreter."""

from __future__ import annotations

from tandem_operator.simulation.world.reader import Reader

DEPTHS = (0, 1, 2, 3, 5, 7)


def test_before_any_table_nothing_is_drafted() -> None:
    assert Reader(DEPTHS).tokens(4, 0) == 0


def test_a_load_around_a_border_keeps_its_range() -> None:
    reader = Reader(DEPTHS)
    reader.take([(1, 8, 5), (9, 32, 2)], None, None)

    assert [reader.tokens(batch, 0) for batch in (8, 9, 8, 10, 9, 7)] == [5, 5, 5, 2, 2, 5]


def test_depths_are_taken_down_to_those_that_the_engine_has() -> None:
    reader = Reader((0, 1, 3))
    reader.take([(1, 8, 2)], None, None)

    assert reader.tokens(1, 0) == 1


def test_steps_with_many_prompt_tokens_have_a_table_of_their_own() -> None:
    reader = Reader(DEPTHS)
    reader.take([(1, 8, 5)], [(1, 8, 1)], None)

    assert [reader.tokens(4, prefill) for prefill in (0, 127, 128)] == [5, 5, 1]


def test_every_few_steps_a_burst_tries_another_depth() -> None:
    reader = Reader(DEPTHS)
    reader.take([(1, 8, 3)], None, {"every": 5, "steps": 2, "offsets": [1]})

    assert [reader.tokens(4, 0) for _ in range(7)] == [3, 3, 3, 3, 5, 5, 3]


def test_another_exploration_of_the_same_table_begins_anew() -> None:
    reader = Reader(DEPTHS)
    reader.take([(1, 8, 3)], None, {"every": 50, "steps": 2, "offsets": [2]})
    for _ in range(49):
        reader.tokens(4, 0)
    reader.take([(1, 8, 3)], None, {"every": 50, "steps": 2, "offsets": [-2]})

    assert [reader.tokens(4, 0) for _ in range(10)] == [3] * 10
