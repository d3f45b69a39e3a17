"""What of a spec vLLM cannot do, and what of it is the operator's to set."""

import json
from typing import Any

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import EngineServer, Spec
from tandem_operator.engines import flags
from tandem_operator.engines.refusal import Refusal
from tandem_operator.engines.vllm import depth_rules
from tandem_operator.engines.vllm.flags import OWNED_CONFIG_KEYS, OWNED_FLAGS
from tandem_operator.engines.vllm.methods import METHODS

REJECTION = "rejection_sample_method"


def judge(spec: Spec) -> tuple[Refusal, ...]:
    """Every refusal of the spec, in the order of its fields; empty when vLLM can do all of it."""
    live = depth_rules.judge(spec) if spec.speculation.method in METHODS else ()
    return (*_combination(spec), *live, *_arguments(spec), *_config(spec))


def _combination(spec: Spec) -> list[Refusal]:
    found = []
    if spec.speculation.method not in METHODS:
        found.append(
            Refusal(
                StalledReason.UNSUPPORTED_COMBINATION,
                "spec.speculation.method",
                spec.speculation.method.value,
                "vLLM has no such method",
                f"use one of {', '.join(method.value for method in METHODS)}",
            )
        )
    if spec.engine.server is EngineServer.TRITON:
        found.append(
            Refusal(
                StalledReason.UNSUPPORTED_COMBINATION,
                "spec.engine.server",
                spec.engine.server.value,
                "vLLM serves by itself here",
                "leave engine.server out",
            )
        )
    return found


def _arguments(spec: Spec) -> list[Refusal]:
    found = []
    for index, argument in enumerate(spec.engine.args):
        owned = flags.owned_by(argument, OWNED_FLAGS)
        if owned is not None:
            message, remedy = f"the operator sets --{owned.name.rstrip('-')}", owned.remedy
        elif flags.is_open(argument):
            message = "the variable in it could make any option of it"
            remedy = "write --option=$(NAME)"
        else:
            continue
        field = f"spec.engine.args[{index}]"
        found.append(Refusal(StalledReason.INVALID_ARGUMENTS, field, argument, message, remedy))
    return found


def _config(spec: Spec) -> list[Refusal]:
    config = spec.speculation.engine_config or {}
    found = [
        _config_refusal(key, value, "the operator sets this key", OWNED_CONFIG_KEYS[key])
        for key, value in config.items()
        if key in OWNED_CONFIG_KEYS
    ]
    if config.get(REJECTION) == "synthetic":
        found.append(
            _config_refusal(
                REJECTION,
                config[REJECTION],
                "it accepts drafts that the target does not confirm",
                "use standard or block",
            )
        )
    return found


def _config_refusal(key: str, value: Any, message: str, remedy: str) -> Refusal:
    field = f"spec.speculation.engineConfig.{key}"
    return Refusal(StalledReason.INVALID_ARGUMENTS, field, json.dumps(value), message, remedy)
