"""The plan holds every load once a round, and its corners first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.bench.plan import Block, PlanError, blocks, remaining

depths = st.lists(st.integers(0, 12), min_size=1, max_size=6, unique=True)
clients = st.lists(st.integers(1, 64), min_size=1, max_size=5, unique=True)


@given(depths=depths, clients=clients, rounds=st.integers(1, 3), seed=st.integers(0, 99))
def test_every_load_is_measured_once_a_round(
    depths: list[int], clients: list[int], rounds: int, seed: int
) -> None:
    plan = blocks(depths, clients, ("easy", "hard"), rounds, seed)

    assert len(plan) == len(set(plan)) == rounds * len(depths) * len(clients) * 2
    assert [one.round for one in plan] == sorted(one.round for one in plan)
    assert plan == blocks(depths, clients, ("easy", "hard"), rounds, seed)


@given(depths=depths, clients=clients, seed=st.integers(0, 99))
def test_the_corners_come_first(depths: list[int], clients: list[int], seed: int) -> None:
    corners = {(c, k) for c in (min(clients), max(clients)) for k in (min(depths), max(depths))}

    plan = blocks(depths, clients, ("general",), 1, seed)

    first = plan[: len(corners)]
    assert {(one.concurrency, one.tokens) for one in first} == corners


@given(depths=depths, clients=clients, cut=st.integers(0, 40))
def test_a_second_run_has_what_the_first_left(
    depths: list[int], clients: list[int], cut: int
) -> None:
    plan = blocks(depths, clients, ("general",), 2)

    assert remaining(plan, plan[:cut]) == plan[cut:]


def test_without_a_table_the_depth_in_force_is_the_only_one() -> None:
    plan = blocks((None,), (1, 4), ("general",), 1)

    assert set(plan) == {Block(0, 1, None, "general"), Block(0, 4, None, "general")}


@pytest.mark.parametrize(
    ("depths", "clients", "segments", "rounds", "message"),
    [
        ((), (1,), ("general",), 1, "no K is given"),
        ((1,), (), ("general",), 1, "no concurrency is given"),
        ((1,), (1,), (), 1, "no prompts is given"),
        ((1,), (1,), ("general",), 0, "rounds is 0"),
        ((1,), (0, 4), ("general",), 1, "concurrency is 0"),
    ],
)
def test_an_empty_plan_is_refused(
    depths: tuple[int, ...],
    clients: tuple[int, ...],
    segments: tuple[str, ...],
    rounds: int,
    message: str,
) -> None:
    with pytest.raises(PlanError, match=message):
        blocks(depths, clients, segments, rounds)
