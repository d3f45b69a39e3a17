"""What of a spec vLLM cannot do, and what of it is the operator's to set."""

import json
from typing import Any

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import EngineServer, Spec
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.pod import arguments
from tandem_operator.engines.vllm.facts import config_keys
from tandem_operator.engines.vllm.facts.methods import METHODS
from tandem_operator.engines.vllm.flags import OWNED_CONFIG_KEYS, OWNED_FLAGS
from tandem_operator.engines.vllm.rules import command_line as command_line_rules
from tandem_operator.engines.vllm.rules import live as live_rules
from tandem_operator.engines.vllm.rules import nodes as node_rules
from tandem_operator.engines.vllm.rules import value as value_rules

REJECTION = "rejection_sample_method"


def validate(spec: Spec) -> tuple[FieldError, ...]:
    """Every refusal of the spec, in the order of its fields; empty when vLLM can do all of it."""
    live = live_rules.validate(spec) if spec.speculation.method in METHODS else ()
    return (
        *_combination(spec),
        *node_rules.validate(spec),
        *live,
        *arguments.validate(spec, OWNED_FLAGS),
        *command_line_rules.validate(spec),
        *value_rules.validate(spec),
        *_config(spec),
    )


def _combination(spec: Spec) -> list[FieldError]:
    errors = []
    if spec.speculation.method not in METHODS:
        errors.append(
            FieldError(
                StalledReason.UNSUPPORTED_COMBINATION,
                "spec.speculation.method",
                spec.speculation.method.value,
                "vLLM has no such method",
                f"use one of {', '.join(method.value for method in METHODS)}",
            )
        )
    if spec.engine.server is EngineServer.TRITON:
        errors.append(
            FieldError(
                StalledReason.UNSUPPORTED_COMBINATION,
                "spec.engine.server",
                spec.engine.server.value,
                "vLLM serves by itself here",
                "leave engine.server out",
            )
        )
    return errors


def _config(spec: Spec) -> list[FieldError]:
    config = spec.speculation.engine_config or {}
    errors = [
        _config_refusal(key, value, "the operator sets this key", OWNED_CONFIG_KEYS[name])
        for key, value in config.items()
        # vLLM itself reads dashes in a key as underscores.
        if (name := key.replace("-", "_")) in OWNED_CONFIG_KEYS
    ]
    errors += [
        _config_refusal(
            key,
            value,
            "it accepts drafts that the target does not confirm",
            "use standard or block",
        )
        for key, value in config.items()
        if key.replace("-", "_") == REJECTION and value in config_keys.UNFAITHFUL
    ]
    return errors


def _config_refusal(key: str, value: Any, message: str, remedy: str) -> FieldError:
    field = f"spec.speculation.engineConfig.{key}"
    return FieldError(StalledReason.INVALID_ARGUMENTS, field, json.dumps(value), message, remedy)
