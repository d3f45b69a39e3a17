"""What one scrape teaches: acceptance, step times, replicas and load.

Used by `tune` only; every part has a file of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import reduce
from statistics import median

from tandem_operator.tuning.acceptance.counts import Drafts, drafts_of, expected_depths, sums
from tandem_operator.tuning.acceptance.guardrail import watch
from tandem_operator.tuning.acceptance.survival import learn
from tandem_operator.tuning.exploration.schedule import restarted
from tandem_operator.tuning.policy.objective import Service, measured
from tandem_operator.tuning.policy.rollback import Rollback
from tandem_operator.tuning.policy.rollback import watched as rollback_watched
from tandem_operator.tuning.settings import DEEPEST_TOKENS, Settings, Thresholds
from tandem_operator.tuning.state import State
from tandem_operator.tuning.step_time.cells import Steps, observed
from tandem_operator.tuning.step_time.drift import StepTimeDrift
from tandem_operator.tuning.step_time.drift import watched as drift_watched
from tandem_operator.tuning.step_time.model import StepModel, gathered_into, rescaled
from tandem_operator.tuning.step_time.ratio import over_cells, over_fit
from tandem_operator.tuning.step_time.regression import seconds_of
from tandem_operator.tuning.step_time.replicas import Replica, trusted_drafts, watched
from tandem_operator.tuning.table import row_of
from tandem_operator.tuning.window import Window
from tandem_operator.tuning.window_validation import load_of, loads_of

QUIET_PREFILL_TOKENS = 4.0
CONTEXT_MEMORY_S = 60.0


def learned(
    state: State,
    windows: tuple[Window, ...],
    settings: Settings,
    now_s: float,
    duration_s: float,
) -> State:
    """The state after the believed windows of one scrape; tables stay as they are."""
    by_replica = {window.replica: _drafts(window, state, settings) for window in windows}
    everything = _pooled(by_replica.values())
    limits = settings.thresholds or Thresholds()
    guardrail = watch(
        state.guardrail, everything, now_s, duration_s, limits.min_acceptance_rate, limits.for_s
    )
    state = replace(state, now_s=now_s, guardrail=guardrail)
    loaded = tuple(window for window in windows if window.speculation_loaded)
    loads = loads_of(loaded)
    bare = tuple(window for window in windows if not window.speculation_loaded)
    state = replace(state, steps=_tax_learned(state.steps, bare, settings.mixture_of_experts))
    if not loads:
        return replace(state, batch=None)
    trusted = _pooled(trusted_drafts(by_replica).values())
    steps = _steps_learned(state.steps, loaded, settings, now_s, duration_s)
    service = _service(state, steps.drift, loaded, duration_s)
    if steps.drift.shifts != state.steps.drift.shifts:
        state = replace(state, exploration_plan=restarted(state.exploration_plan))
    return replace(
        state,
        learned=True,
        batch=max(load.batch for load in loads),
        batches=tuple(load.batch for load in loads),
        service=service,
        rollback=_rollback(state, loaded, now_s),
        survival=learn(
            state.survival, trusted, sum(load.batch for load in loads), duration_s, now_s
        ),
        steps=steps,
    )


def _steps_learned(
    known: StepModel,
    windows: tuple[Window, ...],
    settings: Settings,
    now_s: float,
    duration_s: float,
) -> StepModel:
    experts = settings.mixture_of_experts
    known = replace(
        known,
        context_per_request=_context(known, windows, duration_s),
        stock=all(window.cells is None for window in windows),
    )
    seen = {window.replica: observed(window, known.context_per_request) for window in windows}
    seen = {name: steps for name, steps in seen.items() if steps}
    if known.theta:
        ratios = {name: over_fit(known, steps, experts) for name, steps in seen.items()}
        known = replace(known, replicas=watched(known.replicas, ratios, now_s, duration_s))
        known = _with_drift(known, seen, experts)
    replicas = {replica.name: replica for replica in known.replicas}
    fresh: list[Steps] = []
    for name, steps in seen.items():
        replica = replicas.get(name, Replica(name))
        if replica.outlier:
            continue
        factor = math.exp(replica.level)
        fresh += [one._replace(seconds=one.seconds / factor) for one in steps]
    return gathered_into(known, fresh, duration_s, experts)


def _with_drift(
    known: StepModel, seen: Mapping[str, tuple[Steps, ...]], experts: tuple[int, int] | None
) -> StepModel:
    """The model after what steps of well known kinds say of the engine's pace."""
    outliers = {replica.name for replica in known.replicas if replica.outlier}
    trusted = [steps for name, steps in seen.items() if name not in outliers]
    ratios = [over_cells(known, steps, experts) for steps in trusted]
    known_ratios = [ratio for ratio in ratios if ratio is not None]
    if not known_ratios:
        return known
    drift = drift_watched(known.drift, median(known_ratios), stock=known.stock)
    return rescaled(replace(known, drift=drift))


def _tax_learned(
    known: StepModel, bare: tuple[Window, ...], experts: tuple[int, int] | None
) -> StepModel:
    """What the loaded draft costs at K=0, by windows of replicas that have not loaded it."""
    if not known.theta or not any(cell.tokens == 0 for cell in known.cells):
        return known
    for window in bare:
        for steps in observed(window, known.context_per_request):
            if steps.with_prefill or steps.drafting:
                continue
            loaded_s = seconds_of(known.coefficients(experts), (steps,))
            tax_s = max(0.0, float(loaded_s[0]) - steps.seconds)
            old = known.tax_s
            known = replace(known, tax_s=tax_s if old is None else old + 0.1 * (tax_s - old))
    return known


def _service(
    state: State,
    drift: StepTimeDrift,
    windows: tuple[Window, ...],
    duration_s: float,
) -> Service:
    realised_s, predicted_s = None, None
    decoded = sum(window.generated_tokens - window.first_tokens for window in windows)
    was = state.steps.drift
    # What may be another pace is not also a passing slowness: it would count twice.
    steady = drift.windows <= was.windows and drift.shifts == was.shifts
    if steady and decoded >= 1:
        realised_s = sum(window.request_step_seconds for window in windows) / decoded
        predicted_s = state.expected_s
    waits = [w for w in windows if w.first_token_seconds is not None and w.first_tokens >= 1]
    first_token_s = None
    if waits:
        seconds = sum(window.first_token_seconds or 0.0 for window in waits)
        first_token_s = seconds / sum(window.first_tokens for window in waits)
    return measured(state.service, predicted_s, realised_s, first_token_s, duration_s)


def _rollback(state: State, windows: tuple[Window, ...], now_s: float) -> Rollback:
    rollback = state.rollback
    for window in windows:
        load = load_of(window)
        if load is None or load.time_per_output_token_s is None:
            continue
        if window.prefill_tokens > QUIET_PREFILL_TOKENS * window.iterations:
            continue
        row = row_of(load.batch)
        if state.tokens_in_force(load.batch) != state.table[row]:
            # A guardrail holds K elsewhere: what the engine does says nothing of this table.
            continue
        rollback = rollback_watched(
            rollback,
            state.table,
            row,
            load.time_per_output_token_s,
            window.request_steps,
            window.iterations,
            now_s,
            state.regime_changes,
        )
    return rollback


def _context(known: StepModel, windows: tuple[Window, ...], duration_s: float) -> float:
    """Context tokens of a decoding request: measured, or a prompt and half an answer."""
    tokens = requests = 0.0
    for window in windows:
        if window.context_tokens is not None:
            if window.running >= 1 and window.context_tokens > 0:
                tokens += window.context_tokens
                requests += window.running
        elif window.first_tokens >= 1:
            tokens += window.prefill_tokens + window.generated_tokens / 2
            requests += window.first_tokens
    if requests <= 0:
        return known.context_per_request
    share = 1.0 - math.exp(-max(0.0, duration_s) / CONTEXT_MEMORY_S)
    mean = min(1e6, tokens / requests)
    return known.context_per_request + share * (mean - known.context_per_request)


def _drafts(window: Window, state: State, settings: Settings) -> Drafts:
    load = load_of(window)
    in_force = state.table if load is None else (state.tokens_in_force(load.batch),)
    mean = window.draft_tokens / window.drafts if window.drafts >= 1 else 1.0
    mean = min(mean, float(DEEPEST_TOKENS))
    return drafts_of(
        window.accepted_by_position,
        window.drafted_by_position,
        window.drafts,
        window.draft_tokens,
        expected_depths(mean, in_force, settings.depths),
    )


def _pooled(parts: Iterable[Drafts]) -> Drafts:
    def added(one: Drafts, other: Drafts) -> Drafts:
        return Drafts(sums(one.accepted, other.accepted), sums(one.reached, other.reached))

    return reduce(added, parts, Drafts((), ()))
