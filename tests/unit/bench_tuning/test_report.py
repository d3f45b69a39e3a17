"""What a run says of the tuner: ratios with intervals, and when it says nothing."""

from __future__ import annotations

import pytest

from hack.tuning import ratio, report
from hack.tuning.phases import PHASES
from tests.unit.bench_tuning.builders import measured, rates


def test_a_tuner_that_is_best_everywhere_beats_the_one_k_that_must_do_for_all() -> None:
    known = rates(goodput=198.0, off=90.0)
    for phase, best in zip(PHASES, ("K=7", "K=3", "K=1", "off"), strict=True):
        known[phase.name, best] = 200.0
    document = report.document_of(measured(known), planned=144)
    for phase in document["phases"].values():
        assert phase["against_best"]["value"] == pytest.approx(0.99, abs=1e-3)
        assert phase["verdict"] == report.PASSED
    assert document["over_all"]["against_best"]["value"] > 1.05
    assert document["over_all"]["verdict"] == report.verdict_of(document) == report.PASSED


def test_a_tuner_that_loses_in_one_phase_is_told_of() -> None:
    known = rates(goodput=150.0, off=90.0)
    known["16-prose", "off"] = 200.0
    document = report.document_of(measured(known), planned=144)
    assert document["phases"]["16-prose"]["against_best"]["value"] == pytest.approx(0.75, abs=1e-3)
    assert document["phases"]["16-prose"]["verdict"] == report.FAILED
    assert report.verdict_of(document) == report.FAILED


def test_a_noisy_machine_resolves_nothing() -> None:
    document = report.document_of(measured(rates(goodput=300.0), noise=0.3), planned=144)
    assert document["over_all"]["verdict"] == report.NOT_RESOLVED
    assert report.verdict_of(document) == report.NOT_RESOLVED


def test_the_best_k_by_luck_in_one_half_is_not_the_best_in_the_other() -> None:
    """Two settings alike, each lucky in one half: scored where it was not picked, none gains."""
    lucky = {"K=1": [120.0, 100.0] * 3, "K=3": [100.0, 120.0] * 3, "goodput": [110.0] * 6}
    estimate = ratio.against_best({"phase": lucky}, "goodput", ("K=1", "K=3"))
    assert estimate.value == pytest.approx(1.1)


def test_a_machine_that_slows_down_hits_all_settings_of_a_round_alike() -> None:
    """Rounds of very different speed, and in each the tuner is 3 % behind the best K."""
    speeds = [1.0, 0.6, 0.9, 0.5, 1.2, 0.7]
    drifting = {
        "goodput": [97.0 * speed for speed in speeds],
        "K=1": [100.0 * speed for speed in speeds],
        "K=3": [80.0 * speed for speed in speeds],
    }
    estimate = ratio.against_best({"phase": drifting}, "goodput", ("K=1", "K=3"))
    assert (estimate.low, estimate.value, estimate.high) == pytest.approx((0.97, 0.97, 0.97))
    assert ratio.control({"phase": drifting}, ("K=1", "K=3")).width == pytest.approx(0.0, abs=1e-9)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(40):
        blocks = measured(rates(goodput=97.0), rounds=12, noise=0.04, seed=seed)
        by_phase = report.rates_of(blocks)
        estimate = ratio.against({"1-code": by_phase["1-code"]}, "goodput", "off")
        covered += estimate.low <= 0.97 <= estimate.high
    assert covered >= 34


def test_the_control_is_centred_on_one_and_as_wide_as_the_noise() -> None:
    quiet, loud = (
        ratio.control(
            {"1-code": report.rates_of(measured(rates(K3=500.0), noise=noise))["1-code"]},
            report.FIXED,
        )
        for noise in (0.01, 0.10)
    )
    assert quiet.value == pytest.approx(1.0, abs=0.01)
    assert loud.value == pytest.approx(1.0, abs=0.03)
    assert quiet.width < ratio.RESOLVED_WITHIN < loud.width


def test_half_a_run_tells_of_the_phases_that_it_has() -> None:
    blocks = [one for one in measured({}) if one.block.segment != "16-code"]
    document = report.document_of(blocks, planned=144)
    assert set(document["phases"]) == {"1-code", "4-mixed", "16-prose"}
    assert f"{len(blocks)} of 144 blocks" in report.text_of(document)


def test_one_round_is_too_few() -> None:
    with pytest.raises(ratio.TooFewRoundsError, match="two are needed"):
        report.document_of([o for o in measured({}) if o.block.round == 0], planned=144)
    with pytest.raises(ratio.TooFewRoundsError, match="no phase"):
        report.document_of([], planned=144)
