"""The demo fails, saying why, when it did not show what it promises."""

from __future__ import annotations

import pytest

from hack.demo.checks import complaints, reaction_s
from hack.demo.phases import MIXED, ONE, ONE_AGAIN, SIXTEEN
from tests.unit.demo.builders import good_run, request, run_of


def test_a_run_in_which_k_falls_and_comes_back_stands() -> None:
    assert complaints(good_run(), [request()], {"chat-1": 0}, []) == []


@pytest.mark.parametrize(
    ("depths", "words"),
    [
        ({ONE: [0, 0], SIXTEEN: [0, 0], MIXED: [0, 0], ONE_AGAIN: [3, 3]}, "not active"),
        ({ONE: [5, 5], SIXTEEN: [5, 5], MIXED: [0, 0], ONE_AGAIN: [5, 5]}, f"{SIXTEEN!r}"),
        ({ONE: [5, 5], SIXTEEN: [0, 0], MIXED: [3, 3], ONE_AGAIN: [5, 5]}, f"{MIXED!r}"),
        ({ONE: [5, 5], SIXTEEN: [0, 0], MIXED: [0, 0], ONE_AGAIN: [0, 0]}, "come back"),
    ],
)
def test_k_that_does_not_move_as_promised_is_told(
    depths: dict[str, list[float]], words: str
) -> None:
    (complaint,) = complaints(run_of(depths), [request()], {}, [])

    assert words in complaint


def test_a_reaction_that_takes_too_long_is_told() -> None:
    samples = run_of(
        {
            ONE: [5, 5],
            SIXTEEN: [0, 0],
            MIXED: [5] * 33 + [0] * 40,
            ONE_AGAIN: [0] * 44 + [5] * 60,
        }
    )

    assert reaction_s(samples) == {"off": 33, "back": 44}
    assert complaints(samples, [request()], {}, []) == [
        "speculation was off after 33 s, not 30",
        "speculation was back after 44 s, not 40",
    ]


def test_a_failed_request_a_restart_and_a_replaced_pod_are_told() -> None:
    problems = complaints(
        good_run(), [request(), request(error="HTTP 500: no")], {"chat-1": 2}, ["chat-0"]
    )

    assert problems == [
        "1 of 2 requests failed: HTTP 500: no",
        "pod chat-1 restarted 2 times",
        "pod chat-0 was replaced",
    ]


def test_a_depth_seen_only_while_nothing_ran_does_not_count() -> None:
    from tests.unit.demo.builders import sample

    samples = [s for s in good_run() if s.phase != SIXTEEN]
    samples += [sample(SIXTEEN, 0, 100, running=0), sample(SIXTEEN, 5, 101)]

    assert complaints(samples, [request()], {}, []) == [f"K did not fall to 0 in phase {SIXTEEN!r}"]
