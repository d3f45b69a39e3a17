"""An engine that ends speculation for good is told by its counters alone."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.tuning import Window
from tandem_operator.tuning.acceptance.drafting import (
    LEAST_S,
    LEAST_TOKENS,
    Drafting,
    added,
    stopped_since,
)

STEP_S = 10.0
QUIET = Window(
    replica="a", now_s=0.0, duration_s=STEP_S, running=4.0, waiting=0.0, context_tokens=None,
    request_steps=0.0, request_step_seconds=0.0, iterations=0.0, generated_tokens=0.0,
    first_tokens=0.0, prefill_tokens=0.0, drafts=0.0, draft_tokens=0.0, accepted_by_position=(),
    drafted_by_position=(), cells=None, speculation_loaded=True, reset=False,
)  # fmt: skip


def after(*windows: tuple[float, float]) -> tuple[Drafting, float]:
    """(tokens, drafts) of one window each, every ten seconds."""
    drafting, now_s = Drafting(), 0.0
    for tokens, drafts in windows:
        now_s += STEP_S
        drafting = added(
            drafting, replace(QUIET, now_s=now_s, generated_tokens=tokens, drafts=drafts)
        )
    return drafting, now_s


def test_requests_that_end_without_a_draft_tell_of_a_closed_gate() -> None:
    drafting, now_s = after((200, 90), *[(200, 0)] * 13)

    assert stopped_since(drafting, now_s) == 20.0


def test_neither_few_tokens_nor_a_short_time_are_enough() -> None:
    assert stopped_since(*after((200, 90), *[(1, 0)] * 60)) is None
    assert stopped_since(*after((200, 90), (1e6, 0), (1e6, 0))) is None


def test_an_engine_without_requests_or_that_never_drafted_has_not_stopped() -> None:
    assert stopped_since(*after((200, 90), *[(0, 0)] * 60)) is None
    assert stopped_since(*after(*[(200, 0)] * 60)) is None


def test_one_draft_or_a_new_start_takes_it_back() -> None:
    drafting, now_s = after((200, 90), *[(200, 0)] * 13, (200, 1))
    assert stopped_since(drafting, now_s) is None

    drafting, now_s = after((200, 90), *[(200, 0)] * 13)
    begun_again = added(drafting, replace(QUIET, now_s=now_s, reset=True))
    assert begun_again == Drafting()


@given(
    st.lists(st.tuples(st.floats(0, 1000), st.floats(0, 100)), min_size=1, max_size=40),
)
def test_what_is_told_rests_on_enough_time_and_tokens_since_the_last_draft(
    windows: list[tuple[float, float]],
) -> None:
    drafting, now_s = after(*windows)
    since_s = stopped_since(drafting, now_s)

    if since_s is not None:
        first = round(since_s / STEP_S) - 1
        assert now_s - since_s >= LEAST_S
        assert sum(tokens for tokens, _ in windows[first:]) >= LEAST_TOKENS
        assert not any(drafts for _, drafts in windows[first:])
        assert any(drafts for _, drafts in windows[:first])
