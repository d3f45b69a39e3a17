"""A start profile's step times, as its schema defines them, and the cells made of them."""

from __future__ import annotations

import pytest

from tandem_operator.tuning.step_time.profile import profile_steps, step_time_s

DEPTHS = (0, 1, 3)


@pytest.mark.parametrize(
    ("part", "seconds"),
    [
        ({}, 0.01),
        ({"context_token_s": 1e-6}, 0.01 + 5000 * 1e-6),
        ({"token_s": 1e-5}, 0.01 + 32 * 1e-5),
        ({"knee_token_s": 1e-4, "knee_tokens": 20}, 0.01 + (32 + 100 - 20) * 1e-4),
        ({"knee_token_s": 1e-4, "knee_tokens": 500}, 0.01),
        (
            {"knee_token_s": 1e-4, "knee_tokens": 20, "prefill_weight": 0.5},
            0.01 + (32 + 0.5 * 100 - 20) * 1e-4,
        ),
        ({"prefill_token_s": 1e-5}, 0.01 + 100 * 1e-5),
        (
            {"experts": 64, "active_experts": 4, "expert_s": 1e-4},
            0.01 + 64 * (1 - (1 - 4 / 64) ** 132) * 1e-4,
        ),
        ({"draft_start_s": 0.002}, 0.012),
        ({"draft_pass_s": 0.001, "draft_request_s": 1e-4}, 0.01 + 3 * (0.001 + 8 * 1e-4)),
        ({"draft_start_s": 0.002, "draft_pass_s": 0.001}, 0.015),
        ({"sync_s": 0.5}, 0.01),
    ],
)
def test_each_part_of_the_form_costs_what_the_schema_says(
    part: dict[str, float], seconds: float
) -> None:
    """Eight requests at K=3 with 5000 context tokens and 100 of prefill."""
    form = {"base_s": 0.01, **part}
    assert step_time_s(form, 8, 3, 5000, 100) == pytest.approx(seconds)


def test_without_drafts_the_draft_costs_what_keeping_it_in_step_does() -> None:
    form = {"base_s": 0.01, "sync_s": 0.003, "draft_start_s": 0.5, "draft_pass_s": 0.5}
    assert step_time_s(form, 8, 0, 0, 0) == pytest.approx(0.013)


def test_steps_with_prefill_are_foretold_at_the_first_and_last_depth_alone() -> None:
    cells = profile_steps({"step_time": {"base_s": 0.01}}, DEPTHS, ())
    assert {cell.tokens for cell in cells if not cell.with_prefill} == {0, 1, 3}
    assert {cell.tokens for cell in cells if cell.with_prefill} == {0, 3}
