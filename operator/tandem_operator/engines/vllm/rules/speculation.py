"""Rules of `spec.speculation` that need no file: keys, their values, and which go together."""

import json
from collections.abc import Iterator

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import Method, Spec
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.pair_validation import Warned
from tandem_operator.engines.vllm import options
from tandem_operator.engines.vllm.capability import setup_of
from tandem_operator.engines.vllm.facts import config_keys
from tandem_operator.engines.vllm.facts.methods import METHODS
from tandem_operator.engines.vllm.flags import OWNED_CONFIG_KEYS
from tandem_operator.engines.vllm.pair_view import Pair, is_later_release, refuse
from tandem_runtime.contract.engines.vllm_capabilities import LIVE_FROM, V1

_FIELD = "spec.speculation.engineConfig"
_MODEL_BASED = frozenset(
    {Method.DRAFT_MODEL, Method.EAGLE, Method.EAGLE3, Method.MEDUSA, Method.MTP}
)

_ASYNC = "async-scheduling"
_NOT_ASYNC = frozenset({Method.N_GRAM, Method.SUFFIX, Method.MEDUSA})
"""Methods that vLLM drafts outside its asynchronous scheduler: it turns that off by itself, and
refuses to start where it is asked for (`VllmConfig`)."""
_NEEDS_PADDED = frozenset({Method.DRAFT_MODEL, Method.DFLASH})
"""Methods whose drafter in V1 needs slots of its own for a request (`SpecDecodeBaseProposer`)."""
_NOT_ADAPTIVE = ("enable-lora", "enforce-eager")
"""Switches that adaptive verification does not go with (`_validate_adaptive_verification`)."""


def validate(spec: Spec) -> tuple[FieldError, ...]:
    """What of spec.speculation vLLM refuses whatever the models are."""
    return (
        *_draft_parallel(spec),
        *_async_scheduling(spec),
        *_keys(spec),
        *_together(spec),
        *_by_runner(spec),
    )


def warnings(spec: Spec) -> tuple[Warned, ...]:
    """What starts in another image than the stock one."""
    if spec.speculation.method is not Method.SUFFIX:
        return ()
    return (
        Warned(
            "spec.engine.image",
            "vLLM drafts from suffixes with the package arctic-inference, which its stock images "
            "lack",
            "use an image built from it with `pip install arctic-inference`, or method NGram",
        ),
    )


def needs_of_image(pair: Pair) -> Iterator[FieldError | Warned]:
    """As `warnings`, among the rules of a pair."""
    yield from warnings(pair.spec)


def _draft_parallel(spec: Spec) -> Iterator[FieldError]:
    size, tensor = spec.speculation.draft_tensor_parallel, spec.parallelism.tensor
    if size not in (None, 1, tensor):
        yield refuse(
            "spec.speculation.draftTensorParallel",
            size,
            "vLLM runs the draft on one device or on as many as the target",
            "set 1" if tensor == 1 else f"set 1 or {tensor}",
        )
    elif size not in (None, tensor) and spec.speculation.method is Method.DRAFT_MODEL:
        setup = setup_of(spec)
        if setup.runner == V1 and (setup.version is None or setup.version >= LIVE_FROM):
            yield refuse(
                "spec.speculation.draftTensorParallel",
                size,
                "in model runner V1 vLLM cuts a draft model as its target",
                f"leave it out, or set {tensor}",
            )


def _by_runner(spec: Spec) -> Iterator[FieldError]:
    """Keys that one model runner alone takes, and options that they do not go with."""
    if spec.speculation.method not in METHODS or is_later_release(spec):
        return
    config = config_keys.read(spec.speculation.engine_config)
    on_v1 = setup_of(spec).runner == V1
    padded_off = config.get("disable_padded_drafter_batch") is True
    if padded_off and on_v1 and spec.speculation.method in _NEEDS_PADDED:
        yield _invalid(
            "disable_padded_drafter_batch",
            True,
            f"vLLM does not start {spec.speculation.method.value} so in model runner V1",
            "remove it",
        )
    if config.get("enable_adaptive_verification") is not True:
        return
    values = options.read(tuple(spec.engine.args)).values
    against = next((name for name in _NOT_ADAPTIVE if values.get(name) == f"--{name}"), None)
    if on_v1:
        why, remedy = "vLLM has it in model runner V2 alone", "remove it"
    elif against is not None:
        why, remedy = f"vLLM does not start it with --{against}", f"remove it, or --{against}"
    elif spec.parallelism.pipeline > 1:
        why, remedy = "vLLM does not start it with a pipeline", "remove it"
    else:
        return
    yield _invalid("enable_adaptive_verification", True, why, remedy)


def _async_scheduling(spec: Spec) -> Iterator[FieldError]:
    asked = options.read(tuple(spec.engine.args)).values.get(_ASYNC)
    if is_later_release(spec) or asked != f"--{_ASYNC}":
        return
    config = config_keys.read(spec.speculation.engine_config)
    padded_off = config.get("disable_padded_drafter_batch") is True
    if spec.speculation.method in _NOT_ASYNC:
        why = f"vLLM does not start {spec.speculation.method.value} with asynchronous scheduling"
    elif padded_off:
        why = "vLLM does not start it with disable_padded_drafter_batch"
    else:
        return
    yield refuse("spec.engine.args", f"--{_ASYNC}", why, "remove it; vLLM chooses by itself")


def _keys(spec: Spec) -> Iterator[FieldError]:
    """Unknown keys, and values of another form. A later release may know more of both."""
    if is_later_release(spec):
        return
    for key, value in (spec.speculation.engine_config or {}).items():
        name = key.replace("-", "_")
        if name in OWNED_CONFIG_KEYS:
            continue
        known = config_keys.KEYS.get(name)
        if known is None:
            yield _invalid(
                key,
                value,
                "vLLM has no such key in its speculative configuration",
                f"use one of {', '.join(config_keys.KEYS)}",
            )
        elif not known[0](value) and not (value is None and name in config_keys.OPTIONAL):
            yield _invalid(key, value, f"it must be {known[1]}", "correct or remove it")


def _together(spec: Spec) -> Iterator[FieldError]:
    method = spec.speculation.method
    config = config_keys.read(spec.speculation.engine_config)
    if config.get("index_share_for_mtp_iteration") is not None and method is not Method.MTP:
        key = "index_share_for_mtp_iteration"
        yield _invalid(key, config[key], "it is for method MTP", "remove it")
    if config.get("dspark_draft_topk") is not None and method in _MODEL_BASED:
        key = "dspark_draft_topk"
        yield _invalid(key, config[key], "it is for DSpark heads", "remove it")
    local = config.get("use_local_argmax_reduction") is True
    if local and config.get("enable_adaptive_verification") is True:
        yield _invalid(
            "use_local_argmax_reduction",
            True,
            "adaptive verification needs the draft's logits",
            "remove one of them",
        )
    if local and config.get("draft_sample_method") == "probabilistic":
        yield _invalid(
            "use_local_argmax_reduction",
            True,
            "probabilistic drafting needs the draft's logits",
            "remove one of them",
        )


def _invalid(key: str, value: object, message: str, remedy: str) -> FieldError:
    return FieldError(
        StalledReason.INVALID_ARGUMENTS, f"{_FIELD}.{key}", json.dumps(value), message, remedy
    )
