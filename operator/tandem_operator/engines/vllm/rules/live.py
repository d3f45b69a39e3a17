"""What a spec asks of K that vLLM cannot do: a fixed K is never taken for a live one."""

from tandem_operator.api import defaults
from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import (
    ConstrainedOutput,
    ModelRunner,
    OffMode,
    OnDecay,
    Spec,
    TuningMode,
)
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.vllm.capability import Pair, capabilities_of, setup_of
from tandem_operator.engines.vllm.facts import config_keys
from tandem_operator.engines.vllm.facts.methods import METHODS
from tandem_operator.engines.vllm.rules.model_files import vocabulary
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
    if setup.method not in _methods(setup.version):
        return (_gone(spec),)
    of_other_runner = _of_other_runner(spec, setup)
    if of_other_runner is not None:
        return (of_other_runner,)
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


def _gone(spec: Spec) -> FieldError:
    method = spec.speculation.method
    last = max(each for each in table.READ if METHODS[method] in _methods(each))
    return _error(
        "speculation.method",
        method.value,
        f"vLLM has no {method.value} after {_text(last)}",
        f"use another method, or an image of vLLM {_text(last)}",
    )


def _methods(version: tuple[int, int] | None) -> set[str]:
    return {method for _, method in table.drafters_of(version)}


def _of_other_runner(spec: Spec, setup: Setup) -> FieldError | None:
    """A method without a drafter in the runner that vLLM takes: it ends at its start.

    With versions before those that were read nothing is held against it.
    """
    if setup.version is not None and setup.version < table.LIVE_FROM:
        return None
    if spec.engine.model_runner is ModelRunner.V2 and _maps_vocabularies(spec):
        return _error(
            "engine.modelRunner",
            setup.runner,
            "vLLM maps vocabularies (use_heterogeneous_vocab) in model runner V1 alone",
            "remove modelRunner, or use_heterogeneous_vocab",
        )
    lacking = table.V1_ONLY if setup.runner == table.V2 else table.V2_ONLY
    if setup.method not in lacking:
        return None
    method = spec.speculation.method.value
    other = table.V1 if setup.runner == table.V2 else table.V2
    why = f"vLLM drafts by {method} in model runner {other} alone"
    if spec.engine.model_runner is not None:
        remedy = "remove modelRunner, or use another method"
        return _error("engine.modelRunner", setup.runner, why, remedy)
    if defaults.accelerator_resource(spec) is None:
        why += f", and takes {setup.runner} on a CPU"
        return _error("accelerator.resource", "None", why, "use a GPU, or another method")
    return None


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
        errors.append(_no_bypass(spec, f"drafts for every request alike ({can.reason})"))
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


def _maps_vocabularies(spec: Spec) -> bool:
    return config_keys.read(spec.speculation.engine_config).get(vocabulary.KEY) is True


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
