"""The best K from measured step times: what a load costs decides, and noise widens the interval."""

from __future__ import annotations

import numpy as np
import pytest

from hack.pair.measuring.bench import DEEPEST
from hack.pair.measuring.bestk import Floats, best_k

ROUNDS = 12
K = np.arange(DEEPEST + 1)


def survival(rate: float) -> Floats:
    return np.tile(np.float64(rate) ** np.arange(1, DEEPEST + 1), (ROUNDS, 1))


def steps(fixed_s: float, per_token_s: float, noise: float = 0.0) -> Floats:
    exact = np.tile(fixed_s + per_token_s * K, (ROUNDS, 1))
    noisy: Floats = exact * np.exp(noise * np.random.default_rng(1).standard_normal(exact.shape))
    return noisy


def test_free_drafts_are_taken_as_deep_as_possible() -> None:
    assert best_k(steps(0.02, 0.0), survival(0.8)).tokens == DEEPEST


def test_drafts_that_cost_as_much_as_the_target_are_not_worth_it() -> None:
    assert best_k(steps(0.02, 0.02), survival(0.8)).tokens == 0


def test_the_best_k_is_the_one_of_the_formula() -> None:
    cost_s, rate = 0.003, 0.75
    tokens = np.concatenate([[1.0], 1.0 + np.cumsum(rate ** np.arange(1, DEEPEST + 1))])
    expected = int(np.argmax(tokens / (0.02 + cost_s * K)))
    assert 0 < expected < DEEPEST
    assert best_k(steps(0.02, cost_s), survival(rate)).tokens == expected


def test_noise_widens_the_interval_and_the_best_k_stays_inside() -> None:
    quiet = best_k(steps(0.02, 0.003), survival(0.75))
    noisy = best_k(steps(0.02, 0.003, noise=0.3), survival(0.75))
    assert quiet.low == quiet.tokens == quiet.high
    assert noisy.low <= noisy.tokens <= noisy.high
    assert noisy.high > noisy.low


def test_a_round_without_a_step_time_is_left_out() -> None:
    gaps = steps(0.02, 0.003)
    gaps[0, 3] = np.nan
    assert best_k(gaps, survival(0.75)) == best_k(steps(0.02, 0.003), survival(0.75))


def test_a_k_that_was_never_measured_is_an_error() -> None:
    gaps = steps(0.02, 0.003)
    gaps[:, 3] = np.nan
    with pytest.raises(ValueError, match="never measured"):
        best_k(gaps, survival(0.75))
