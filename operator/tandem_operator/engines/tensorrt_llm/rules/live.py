"""What a spec asks of K that an engine cannot do that takes it when it starts."""

from collections.abc import Iterable

from tandem_operator.api.spec import ConstrainedOutput, OffMode, OnDecay, Spec, TuningMode
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.pair_validation import Warned
from tandem_operator.engines.tensorrt_llm.methods import METHODS, OFF_IN_A_STEP
from tandem_operator.engines.tensorrt_llm.rules.field_errors import unsupported

_WHY = "TensorRT-LLM takes K when it starts"


def validate(spec: Spec) -> Iterable[FieldError]:
    """The fields that would change K, or who is drafted for, while it serves."""
    tuning, speculation = spec.tuning, spec.speculation
    if speculation.constrained_output is ConstrainedOutput.BYPASS:
        yield unsupported(
            "speculation.constrainedOutput",
            speculation.constrained_output.value,
            "TensorRT-LLM drafts for every request alike, so none can bypass it",
            "set constrainedOutput: Allow",
        )
    if tuning.mode is TuningMode.AUTO:
        yield unsupported(
            "tuning.mode",
            tuning.mode.value,
            f"{_WHY}, and its page has no times of steps from which a K could be chosen",
            "set tuning.mode: Fixed, with the K that is wanted as speculation.initialTokens",
        )
    if speculation.initial_tokens == 0:
        yield unsupported(
            "speculation.initialTokens",
            0,
            f"{_WHY}, and takes no 0 there",
            "set 1 or more",
        )
    yield from _limits(spec)


def _limits(spec: Spec) -> Iterable[FieldError]:
    tuning, speculation = spec.tuning, spec.speculation
    if tuning.max_tokens not in (None, speculation.max_tokens):
        yield unsupported(
            "tuning.maxTokens",
            tuning.max_tokens,
            f"{_WHY}, so that no limit could act at once",
            "set speculation.maxTokens, which is a rollout, and remove tuning.maxTokens",
        )
    if tuning.min_tokens > 0:
        yield unsupported("tuning.minTokens", tuning.min_tokens, _WHY, "remove it")
    for name, value in (
        ("timePerOutputTokenMs", tuning.objective.time_per_output_token_ms),
        ("timeToFirstTokenMs", tuning.objective.time_to_first_token_ms),
    ):
        if value is not None:
            yield unsupported(
                f"tuning.objective.{name}",
                value,
                f"{_WHY}, so that none could be chosen by it",
                f"remove {name}",
            )
    limit = tuning.thresholds.max_concurrency
    if limit is not None and speculation.method in METHODS.keys() - OFF_IN_A_STEP:
        yield unsupported(
            "tuning.thresholds.maxConcurrency",
            limit,
            f"{speculation.method.value} cannot stop in one step and go on in the next: the "
            "draft's cache goes stale, and acceptance stays near 0 (TensorRT-LLM#16888)",
            "remove it, or use method NGram",
        )
    if tuning.segments:
        yield unsupported(
            "tuning.segments",
            ", ".join(each.name for each in tuning.segments),
            "TensorRT-LLM drafts for every request alike",
            "remove segments",
        )
    for field, asked in (
        ("tuning.offMode", tuning.off_mode is OffMode.REDEPLOY),
        ("tuning.onDecay", tuning.on_decay is OnDecay.REDEPLOY),
    ):
        if asked:
            yield unsupported(
                field,
                "Redeploy",
                "it follows what tuning.mode Auto decides",
                f"remove {field}, or set onDecay: Restart" if "Decay" in field else "remove it",
            )


def warnings(spec: Spec) -> tuple[Warned, ...]:
    """What acts later than one expects."""
    named = ["speculation.initialTokens"]
    if spec.tuning.thresholds.max_concurrency is not None:
        named.append("tuning.thresholds.maxConcurrency")
    return (
        Warned(
            f"spec.{named[-1]}",
            f"{_WHY}: a change of {' or '.join(named)} is in force in pods that start after it",
            "restart the pods (kubectl rollout restart) where it shall act at once",
        ),
    )
