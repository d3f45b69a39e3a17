"""What of a spec SGLang cannot do, and what of it is the operator's to set."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tandem_operator.api import defaults
from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import Method, Spec
from tandem_operator.engines import fixed_depth
from tandem_operator.engines.fixed_depth import unsupported
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.pair_validation import Warned
from tandem_operator.engines.pod import arguments
from tandem_operator.engines.sglang.arguments import is_adaptive
from tandem_operator.engines.sglang.config_keys import KEYS, OWNED, plain
from tandem_operator.engines.sglang.flags import OWNED_FLAGS
from tandem_operator.engines.sglang.methods import LACKING

WHY = "SGLang keeps the K that it was started with"
WHY_ADAPTIVE = "SGLang changes K by itself among its tiers"


def validate(spec: Spec) -> Iterator[FieldError]:
    """Every refusal, in the order of the fields."""
    yield from _method(spec)
    yield from _parallelism(spec)
    adaptive = is_adaptive(spec)
    why = WHY_ADAPTIVE if adaptive else WHY
    yield from fixed_depth.validate(spec, "SGLang", why, measured=False, at_start=adaptive)
    yield from _config(spec)
    yield from arguments.validate(spec, OWNED_FLAGS)


def warnings(spec: Spec) -> tuple[Warned, ...]:
    """What acts later than one expects."""
    if not is_adaptive(spec):
        return ()
    named = {
        "speculation.initialTokens": spec.speculation.initial_tokens,
        "tuning.thresholds.maxConcurrency": spec.tuning.thresholds.max_concurrency,
    }
    return tuple(
        Warned(
            f"spec.{field}",
            "SGLang reads it when it starts: a change is in force in pods that start after it",
            "restart the pods (kubectl rollout restart) where it shall act at once",
        )
        for field, value in named.items()
        if value is not None
    )


def _method(spec: Spec) -> Iterator[FieldError]:
    speculation = spec.speculation
    if speculation.method in LACKING:
        message, remedy = LACKING[speculation.method]
        yield unsupported("speculation.method", speculation.method.value, message, remedy)
    if speculation.n_gram is not None:
        yield unsupported(
            "speculation.nGram",
            json.dumps(speculation.n_gram.model_dump(by_alias=True, exclude_none=True)),
            "SGLang looks n-grams of all lengths up in a trie",
            "remove nGram; engineConfig.ngram_max_trie_depth bounds the trie",
        )
    size, tensor = speculation.draft_tensor_parallel, spec.parallelism.tensor
    if size not in (None, tensor):
        yield unsupported(
            "speculation.draftTensorParallel",
            size,
            "SGLang runs the draft on the devices of its target",
            f"remove it, or set {tensor}",
        )


def _parallelism(spec: Spec) -> Iterator[FieldError]:
    parallelism = spec.parallelism
    if parallelism.pipeline > 1:
        yield unsupported(
            "parallelism.pipeline",
            parallelism.pipeline,
            "SGLang speculates in no pipeline but that of a prefill node",
            "set pipeline: 1 and raise parallelism.tensor",
        )
    if parallelism.data > 1:
        yield unsupported(
            "parallelism.data",
            parallelism.data,
            "this release drives one copy of the model in a server of SGLang",
            "remove it and set spec.replicas",
        )
    count, needed = spec.accelerator.count, defaults.devices_used(spec)
    if count is not None and count < needed and defaults.accelerator_resource(spec) is not None:
        yield unsupported(
            "accelerator.count",
            count,
            f"parallelism takes {needed} devices",
            "remove count, or lower parallelism",
        )


def _config(spec: Spec) -> Iterator[FieldError]:
    for key, value in (spec.speculation.engine_config or {}).items():
        name = plain(key)
        if name in OWNED:
            message, remedy = "it is not the user's to set", OWNED[name]
        elif name not in KEYS:
            message = "it is no setting that this release passes to SGLang"
            remedy = f"use one of {', '.join(KEYS)}"
        elif not KEYS[name][0][0](value):
            message, remedy = f"it must be {KEYS[name][0][1]}", "correct or remove it"
        elif spec.speculation.method not in KEYS[name][1]:
            allowed = ", ".join(each.value for each in Method if each in KEYS[name][1])
            message, remedy = f"it is for {allowed}", "remove it"
        else:
            continue
        yield FieldError(
            StalledReason.INVALID_ARGUMENTS,
            f"spec.speculation.engineConfig.{key}",
            json.dumps(value),
            message,
            remedy,
        )
