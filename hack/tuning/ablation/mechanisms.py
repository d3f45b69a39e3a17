"""Every mechanism of the tuner that the simulator's evaluation can reach, by itself.

What it cannot reach (several replicas, guardrails, objectives, rollouts, lying counters) has tests
of its own in `tests/unit/tuning`.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np

from hack.tuning.ablation.mechanism import Mechanism
from tandem_operator.simulation.scoring import case
from tandem_operator.tuning import Settings, update
from tandem_operator.tuning.acceptance import correlation, counts, survival
from tandem_operator.tuning.exploration import schedule, value
from tandem_operator.tuning.policy import (
    change_budget,
    goodput,
    goodput_policy,
    hysteresis,
    rollback,
)
from tandem_operator.tuning.step_time import cells, context, drift, model, ratio, regression
from tandem_operator.tuning.table import ROW_MIDDLES

NEVER = 1e9
tune = sys.modules["tandem_operator.tuning.tune"]
"""The module: its package gives the function of that name."""


def _same(value: Any, *_: Any, **__: Any) -> Any:
    return value


def _no(*_: Any, **__: Any) -> bool:
    return False


def _one_table(*arguments: Any) -> Any:
    table, _ = _PROPOSED(*arguments)
    return table, table


def _usual_chunk(*arguments: Any) -> Any:
    return replace(_GATHERED(*arguments), chunk_tokens=512.0)


def _all_offsets(*arguments: Any, **named: Any) -> Any:
    return replace(_CHOSEN(*arguments, **named), offsets=schedule.OFFSETS)


def _dense(**named: Any) -> Settings:
    return Settings(**{**named, "mixture_of_experts": None})


def _flat_gain(budget: change_budget.ChangeBudget) -> float | None:
    return None if budget.allowance < 1.0 else change_budget.LEAST_TOTAL_GAIN


_PROPOSED = goodput_policy._proposed
_GATHERED = model.gathered_into
_CHOSEN = schedule.chosen
_MIDDLE_BUCKETS = np.array([[cells.bucket_of(middle)] * 2 for middle in ROW_MIDDLES])

ACCEPTANCE = (
    Mechanism(
        "correlation of a request's drafts learned",
        ((survival, "_request_correlation", lambda known, *_: known.request_correlation),),
        (correlation.learned, survival._request_correlation),
    ),
    Mechanism(
        "test for a change of the prompts",
        ((survival, "_split", lambda known: None),),
        (survival._split, survival.compared),
    ),
    Mechanism(
        "memory stretched where drafts are few",
        ((survival, "_memory_s", lambda known: survival.MEMORY_S),),
        (survival._memory_s,),
    ),
    Mechanism(
        "depths that a stock window may hold",
        ((update, "expected_depths", lambda *_: {}),),
        (counts.expected_depths,),
        stock_only=True,
    ),
)

STEP_TIME = (
    Mechanism(
        "residual of each cell", ((model, "_residuals", lambda *_: ()),), (model._residuals,)
    ),
    Mechanism("a row between two buckets reads both", ((model, "BUCKETS", _MIDDLE_BUCKETS),)),
    Mechanism(
        "price of context from windows",
        ((context, "learned", lambda known, *_: known),),
        (context,),
    ),
    Mechanism(
        "context of a request measured",
        ((update, "_context", lambda known, *_: known.context_per_request),),
        (update._context,),
    ),
    Mechanism("weights of a prefill token", ((regression, "PREFILL_WEIGHTS", (1.0,)),)),
    Mechanism("experts in the form", ((case, "Settings", _dense),)),
    Mechanism("stalls bounded", ((model, "_unstalled", _same),), (model._unstalled,)),
    Mechanism("old cells fade", ((cells, "MEMORY_S", NEVER),)),
    Mechanism("size of a prefill chunk measured", ((update, "gathered_into", _usual_chunk),)),
    Mechanism(
        "fastest step less its prefill",
        ((model, "unit_s", lambda fresh: min((c.seconds for c in fresh), default=None)),),
        (regression.unit_s,),
    ),
    Mechanism(
        "stock windows of prefill count less",
        ((cells, "_mixture_error", lambda prefill: cells.STOCK_FORM_ERROR),),
        (cells._mixture_error,),
        stock_only=True,
    ),
    Mechanism("stock windows apart by their mix", ((cells, "BLENDS", 0),), stock_only=True),
    Mechanism(
        "another pace of the engine",
        ((update, "_with_drift", lambda known, *_: known),),
        (
            drift,
            ratio.over_cells,
            model.rescaled,
            update._with_drift,
        ),
    ),
    Mechanism(
        "table waits while the pace is unsettled",
        ((goodput_policy, "unsettled", _no),),
        (drift.unsettled,),
    ),
)

TABLES = (
    Mechanism(
        "table of its own for prefill",
        ((goodput_policy, "_proposed", _one_table),),
        (goodput.proposed_prefill_table,),
    ),
    Mechanism(
        "rows that can hold the batch take its K",
        ((goodput_policy, "cleared", _same),),
        (hysteresis,),
    ),
    Mechanism("an entry needs 1.5 %", ((goodput_policy, "LEAST_GAIN", 0.0),)),
    Mechanism(
        "gain needed rises as changes are spent",
        ((goodput_policy, "needed_gain", _flat_gain),),
        (change_budget.needed_gain,),
    ),
    Mechanism(
        "rollback",
        ((goodput_policy, "failed", _no), (goodput_policy, "paused", _no)),
        (rollback, goodput_policy._reverted, update._rollback),
    ),
    Mechanism("pause after a rollback", ((goodput_policy, "paused", _no),), (rollback.paused,)),
    Mechanism(
        "refit at once when prompts changed",
        ((goodput_policy, "PROMPTS_CHANGED_S", -NEVER),),
    ),
    Mechanism(
        "refit every 10 s, not at each scrape",
        ((goodput_policy, "REFIT_S", 0.0),),
        (goodput_policy._due,),
    ),
)

EXPLORATION = (
    Mechanism("exploration", ((tune, "exploration", lambda *_, **__: None),)),
    Mechanism(
        "expected improvement of a depth",
        (
            (
                goodput_policy,
                "expected_improvements",
                lambda scores, *_: (0.0,) * len(scores.depths),
            ),
        ),
        (value,),
    ),
    Mechanism("offsets that are worth most", ((goodput_policy, "chosen", _all_offsets),)),
    Mechanism("uncertainty of the form in that", ((value, "FORM_ERROR", 0.0),)),
    Mechanism("choices held longer each time", ((schedule, "FIRST_HELD_S", 0.0),)),
    Mechanism(
        "keen exploration bounded",
        ((schedule, "LONGEST_KEEN_S", NEVER),),
        stock_only=True,
    ),
    Mechanism(
        "bursts as long as a scrape", ((tune, "sized", _same),), (schedule.sized,), stock_only=True
    ),
    Mechanism(
        "bursts by time where K is 0",
        ((tune, "idle_every", lambda *_: schedule.EVERY_STEPS),),
        (schedule.idle_every,),
    ),
    Mechanism(
        "choices restarted at another pace", ((update, "restarted", _same),), (schedule.restarted,)
    ),
)

MECHANISMS = (*ACCEPTANCE, *STEP_TIME, *TABLES, *EXPLORATION)
