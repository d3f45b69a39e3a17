"""What a spec asks of K that an engine cannot do which keeps the K of its start.

K changes by a rollout: a new `speculation.maxTokens`, or what `tuning.mode: Auto` chooses up to it.
Everything that would change it while pods serve, or for some requests alone, is refused rather than
taken without effect.
"""

from __future__ import annotations

from collections.abc import Iterator

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import (
    ConstrainedOutput,
    OffMode,
    OnDecay,
    Spec,
    TuningMode,
    TuningPolicy,
)
from tandem_operator.engines.interface.field_error import FieldError

SET_MAX_TOKENS = "set speculation.maxTokens, which is a rollout"


def validate(
    spec: Spec, engine: str, why: str, *, measured: bool, at_start: bool = False
) -> Iterator[FieldError]:
    """The refusals.

    ``engine`` names it in messages, ``why`` is what stands against a change of K. ``measured``: its
    page tells step times and acceptance, so a K can be judged. ``at_start``: the engine reads K
    and the limit of requests when it starts, so these two act in later pods.
    """
    yield from _bypass(spec, engine)
    yield from _mode(spec, why, measured=measured)
    yield from _limits(spec, why, at_start=at_start)
    yield from _off(spec, engine)
    yield from _decay(spec, engine, measured=measured)


def _bypass(spec: Spec, engine: str) -> Iterator[FieldError]:
    asked = spec.speculation.constrained_output
    if asked is ConstrainedOutput.BYPASS:
        yield unsupported(
            "speculation.constrainedOutput",
            asked.value,
            f"{engine} drafts for every request alike, so none can bypass it",
            "set constrainedOutput: Allow",
        )


def _mode(spec: Spec, why: str, *, measured: bool) -> Iterator[FieldError]:
    mode = spec.tuning.mode
    if mode is not TuningMode.FIXED and not measured:
        yield unsupported(
            "tuning.mode",
            mode.value,
            f"{why}, and its page has no times of steps by which a K could be judged",
            f"set tuning.mode: Fixed, and {SET_MAX_TOKENS}, to change K",
        )
    if not measured:
        unread = "nothing is measured by which a K could be chosen"
        yield from _choices(spec, unread, unread, "leave policy out")
    elif mode is TuningMode.AUTO:
        yield from _choices(
            spec,
            "it acts at once or not at all, and a new K is a rollout here",
            "a rollout takes the K with the shortest time per output token whatever is asked",
            f"leave policy out, or set tuning.mode: Fixed and {SET_MAX_TOKENS}",
        )


def _choices(spec: Spec, of_policy: str, of_objective: str, remedy: str) -> Iterator[FieldError]:
    """What asks for a choice of K that nobody can make: why, and what to do about the policy."""
    tuning = spec.tuning
    if tuning.policy is not TuningPolicy.GOODPUT:
        yield unsupported("tuning.policy", tuning.policy.value, of_policy, remedy)
    objective = tuning.objective
    for field, value in (
        ("timePerOutputTokenMs", objective.time_per_output_token_ms),
        ("timeToFirstTokenMs", objective.time_to_first_token_ms),
    ):
        if value is not None:
            yield unsupported(
                f"tuning.objective.{field}",
                value,
                of_objective,
                f"remove {field}",
            )


def _limits(spec: Spec, why: str, *, at_start: bool) -> Iterator[FieldError]:
    tuning, speculation = spec.tuning, spec.speculation
    first = speculation.initial_tokens
    if first is not None and first != speculation.max_tokens and not at_start:
        yield unsupported(
            "speculation.initialTokens",
            first,
            why,
            f"{SET_MAX_TOKENS}, and leave initialTokens out",
        )
    if first == 0 and at_start:
        yield unsupported(
            "speculation.initialTokens",
            first,
            f"{why}, and makes no room for drafts where that is 0",
            "set 1 or more",
        )
    if tuning.max_tokens not in (None, speculation.max_tokens):
        yield unsupported(
            "tuning.maxTokens", tuning.max_tokens, why, f"remove it and {SET_MAX_TOKENS}"
        )
    if tuning.min_tokens > 0:
        yield unsupported("tuning.minTokens", tuning.min_tokens, why, "remove it")
    limit = tuning.thresholds.max_concurrency
    if limit is not None and not at_start:
        yield unsupported("tuning.thresholds.maxConcurrency", limit, why, "remove it")
    if tuning.segments:
        named = ", ".join(each.name for each in tuning.segments)
        yield unsupported("tuning.segments", named, why, "remove segments")


def _off(spec: Spec, engine: str) -> Iterator[FieldError]:
    tuning = spec.tuning
    least = tuning.thresholds.min_acceptance_rate_percent
    if least is not None:
        yield unsupported(
            "tuning.thresholds.minAcceptanceRatePercent",
            least,
            f"nothing turns the drafts of {engine} off while it serves",
            "remove it",
        )
    if tuning.off_mode is not OffMode.IDLE:
        yield unsupported(
            "tuning.offMode",
            tuning.off_mode.value,
            f"nothing turns the drafts of {engine} off while it serves, so none would be removed",
            "leave offMode out",
        )


def _decay(spec: Spec, engine: str, *, measured: bool) -> Iterator[FieldError]:
    asked = spec.tuning.on_decay
    if not measured and asked is not OnDecay.REPORT:
        message = f"the page of {engine} has no acceptance by position, so no decay is seen"
    elif asked is OnDecay.REDEPLOY:
        message = "drafts are taken out only where K can go to 0 while pods serve"
    else:
        return
    yield unsupported("tuning.onDecay", asked.value, message, "leave onDecay out")


def unsupported(field: str, value: object, message: str, remedy: str) -> FieldError:
    """A combination that the engine cannot do."""
    return FieldError(
        StalledReason.UNSUPPORTED_COMBINATION, f"spec.{field}", str(value), message, remedy
    )
