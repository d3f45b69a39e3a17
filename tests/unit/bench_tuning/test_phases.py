"""Which blocks are measured, in which order, and what their clients ask."""

from __future__ import annotations

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from hack.tuning.phases import PHASES, SETTINGS, Phase, blocks, prompts_of


@given(rounds=st.integers(2, 12), seed=st.integers(0, 999))
def test_every_setting_is_measured_in_every_phase_once_a_round(rounds: int, seed: int) -> None:
    plan = blocks(rounds, seed)
    assert len(plan) == len(set(plan)) == rounds * len(PHASES) * len(SETTINGS)


@given(rounds=st.integers(2, 12), seed=st.integers(0, 999))
def test_a_phase_comes_twice_and_settings_are_interleaved_in_it(rounds: int, seed: int) -> None:
    plan = blocks(rounds, seed)
    visits = [name for name, _ in groupby(plan, key=lambda block: block.segment)]
    # Two visits of one phase may meet in the middle.
    assert len(visits) in (2 * len(PHASES), 2 * len(PHASES) - 1)
    for _, run in groupby(plan, key=lambda block: (block.segment, block.round)):
        assert {block.tokens for block in run} == set(SETTINGS.values())


def test_prompts_come_by_their_shares() -> None:
    phase = Phase("mixed", 4, {"code": 0.75, "prose": 0.25})
    prompts = prompts_of(phase, {"code": [f"c{i}" for i in range(8)], "prose": ["p"] * 9})
    assert len(prompts) == 8
    assert prompts.count("p") == 2
    assert [prompt for prompt in prompts if prompt != "p"] == [f"c{i}" for i in range(6)]


def test_each_client_of_a_phase_keeps_to_one_kind() -> None:
    by_kind = {"code": [f"code {i}" for i in range(64)], "prose": [f"prose {i}" for i in range(64)]}
    for phase in PHASES:
        prompts = prompts_of(phase, by_kind)
        asked = [
            {prompts[turn % len(prompts)].split()[0] for turn in range(client, 500, phase.clients)}
            for client in range(phase.clients)
        ]
        assert all(len(kinds) == 1 for kinds in asked)
        for kind, share in phase.mix.items():
            assert asked.count({kind}) == share * phase.clients
