"""What a spec asks of K that vLLM cannot do: a fixed K is never taken for a live one."""

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import ConstrainedOutput, OffMode, OnDecay, Spec, TuningMode
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.vllm.capability import Pair, capabilities_of, setup_of
from tandem_runtime.contract.engines import vllm_capabilities as table
from tandem_runtime.contract.engines.vllm_capabilities import Capabilities, Setup


def validate(spec: Spec, report: Pair | None = None) -> tuple[FieldError, ...]:
    """Every refusal. With a report: only those that the spec alone did not show."""
    setup, can = setup_of(spec, report), capabilities_of(spec, report)
    if report is not None and capabilities_of(spec).live == table.NONE:
        return ()
    if setup.data > 1 and setup.mixture_of_experts:
        return ()  # the rules of the pair refuse it whatever K does
    if setup.version is not None and setup.version < table.OLDEST:
        return (_too_old(spec),)
    if setup.method not in {method for _, method in table.drafters_of(setup.version)}:
        return (_gone(spec, can),)
    if can.live == table.NONE:
        return tuple(_fixed(spec, setup, can))
    if not can.by_step and _bypasses(spec):
        return (_no_bypass(spec, "drafts a fixed number of tokens for every request"),)
    return ()


def _too_old(spec: Spec) -> FieldError:
    return FieldError(
        StalledReason.UNSUPPORTED_ENGINE,
        "spec.engine.image",
        spec.engine.image or "",
        "this vLLM runs code of a repository that it was told not to trust",
        f"use an image of vLLM {_text(table.OLDEST)} or later, best {_text(table.READ[-1])}",
    )


def _gone(spec: Spec, can: Capabilities) -> FieldError:
    method = spec.speculation.method.value
    return _error("speculation.method", method, can.reason, "use another method or image")


def _fixed(spec: Spec, setup: Setup, can: Capabilities) -> list[FieldError]:
    """The fields that would change K, or make it another one than `speculation.maxTokens`."""
    tuning, speculation = spec.tuning, spec.speculation
    why = f"K cannot change while this engine serves: {can.reason}"
    way = _way_out(spec, setup)
    either = f", or {way}" if way else ""
    errors = []
    if tuning.mode is TuningMode.AUTO:
        errors.append(
            _error("tuning.mode", tuning.mode.value, why, f"set tuning.mode: Fixed{either}")
        )
    if _bypasses(spec):
        errors.append(_no_bypass(spec, f"is drafted for alike in every request: {can.reason}"))
    first = speculation.initial_tokens
    if first is not None and first != speculation.max_tokens:
        remedy = "set speculation.maxTokens to the K that is wanted, and leave initialTokens out"
        errors.append(_error("speculation.initialTokens", str(first), why, remedy + either))
    limits = {
        "tuning.maxTokens": tuning.max_tokens,
        "tuning.thresholds.maxConcurrency": tuning.thresholds.max_concurrency,
        "tuning.segments": ", ".join(each.name for each in tuning.segments) or None,
        # Both follow what Auto decides, which is refused above.
        "tuning.offMode": "Redeploy" if tuning.off_mode is OffMode.REDEPLOY else None,
        "tuning.onDecay": "Redeploy" if tuning.on_decay is OnDecay.REDEPLOY else None,
    }
    if tuning.max_tokens == speculation.max_tokens:
        del limits["tuning.maxTokens"]
    errors += [
        _error(field, str(value), why, f"remove {field}{either}")
        for field, value in limits.items()
        if value is not None
    ]
    return errors


def _way_out(spec: Spec, setup: Setup) -> str:
    """What makes K live, where the spec alone stands against it."""
    if setup.version is not None and setup.version < table.LIVE_FROM:
        return f"use an image of vLLM {_text(table.LIVE_FROM)} or later"
    if setup.pipeline > 1:
        return "set parallelism.pipeline: 1"
    if setup.adaptive_verification:
        return "remove enable_adaptive_verification from speculation.engineConfig"
    if spec.engine.model_runner is not None:
        return "remove engine.modelRunner"
    return ""


def _bypasses(spec: Spec) -> bool:
    return spec.speculation.constrained_output is ConstrainedOutput.BYPASS


def _no_bypass(spec: Spec, why: str) -> FieldError:
    return _error(
        "speculation.constrainedOutput",
        spec.speculation.constrained_output.value,
        f"{spec.speculation.method.value} {why}, so none can bypass it",
        "set constrainedOutput: Allow, or use another method",
    )


def _error(field: str, value: str, message: str, remedy: str) -> FieldError:
    reason = StalledReason.UNSUPPORTED_COMBINATION
    return FieldError(reason, f"spec.{field}", value, message, remedy)


def _text(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
