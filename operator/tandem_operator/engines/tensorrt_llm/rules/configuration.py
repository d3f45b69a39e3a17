"""What of `engine.args` and `speculation.engineConfig` is the operator's, or of another form."""

import json
from collections.abc import Iterable

from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.pod import flags
from tandem_operator.engines.tensorrt_llm import config_keys, options
from tandem_operator.engines.tensorrt_llm.rules.field_errors import invalid
from tandem_runtime.contract.engines.tensorrt_llm import GATES

GATE_KEYS = frozenset(key for gate in GATES for key in gate)


def arguments(spec: Spec) -> Iterable[FieldError]:
    """Options that the operator sets, in every spelling."""
    for index, argument in enumerate(spec.engine.args):
        owned = flags.owned_by(argument, options.OWNED)
        if owned is not None:
            message, remedy = f"the operator sets --{owned.name}", owned.remedy
        elif flags.is_open(argument):
            message = "the variable in it could make any option of it"
            remedy = "write --option=$(NAME)"
        else:
            continue
        yield invalid(f"engine.args[{index}]", argument, message, remedy)


def triton_arguments(spec: Spec) -> Iterable[FieldError]:
    """Triton's model takes keys of the LLM API, not a command line."""
    _, unknown = options.in_triton(spec.engine.args)
    for index in unknown:
        argument = spec.engine.args[index]
        if flags.owned_by(argument, options.OWNED) is not None:
            continue
        yield invalid(
            f"engine.args[{index}]",
            argument,
            "in Triton it is no key of the LLM API, or its value is none",
            f"use one of {', '.join(f'--{name}' for name in options.IN_TRITON)}, or engine.server: "
            "Native",
        )


def engine_config(spec: Spec) -> Iterable[FieldError]:
    """Keys of the speculative configuration: whose they are, and their values."""
    known = config_keys.KEYS.get(spec.speculation.method, {})
    for key, value in (spec.speculation.engine_config or {}).items():
        field, text = f"speculation.engineConfig.{key}", json.dumps(value)
        if key in config_keys.OWNED:
            yield invalid(field, text, "the operator sets this key", config_keys.OWNED[key])
        elif key in GATE_KEYS and key not in known:
            yield invalid(
                field,
                text,
                "with this method a closed gate looks like a text in which nothing repeats, so "
                "nobody could open it again",
                "remove it",
            )
        elif key not in known:
            yield invalid(
                field,
                text,
                f"TensorRT-LLM has no such key for {spec.speculation.method.value}",
                f"use one of {', '.join(known)}" if known else "remove it",
            )
        elif not known[key][0](value):
            yield invalid(field, text, f"it must be {known[key][1]}", "correct or remove it")
