"""What of a spec the torch engine cannot do, and what of it is the operator's to set."""

import json
from collections.abc import Iterable

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.pod import flags
from tandem_operator.engines.torch.methods import METHODS
from tandem_operator.engines.torch.options import OWNED, USERS


def validate(spec: Spec) -> tuple[FieldError, ...]:
    """Every refusal of the spec, in the order of its fields; empty when all of it works."""
    return (*_combination(spec), *_arguments(spec))


def _combination(spec: Spec) -> Iterable[FieldError]:
    speculation = spec.speculation
    if speculation.method not in METHODS:
        yield _unsupported(
            "speculation.method",
            speculation.method.value,
            "the torch engine has no such method",
            f"use one of {', '.join(method.value for method in METHODS)}",
        )
    for key, value in (speculation.engine_config or {}).items():
        yield _unsupported(
            f"speculation.engineConfig.{key}",
            json.dumps(value),
            "the torch engine has no further settings of speculation",
            "remove it",
        )
    if speculation.draft_tensor_parallel is not None:
        yield _unsupported(
            "speculation.draftTensorParallel",
            str(speculation.draft_tensor_parallel),
            "the torch engine runs on one device",
            "remove it",
        )
    if spec.accelerator.count not in (None, 1):
        yield _unsupported(
            "accelerator.count",
            str(spec.accelerator.count),
            "the torch engine runs on one device",
            "remove it",
        )
    for name in ("tensor", "pipeline", "data"):
        size = getattr(spec.parallelism, name)
        if size > 1:
            yield _unsupported(
                f"parallelism.{name}",
                str(size),
                "the torch engine runs on one device",
                "remove it and set spec.replicas, or use engine.type: vLLM",
            )


def _unsupported(field: str, value: str, message: str, remedy: str) -> FieldError:
    return FieldError(
        StalledReason.UNSUPPORTED_COMBINATION, f"spec.{field}", value, message, remedy
    )


def _arguments(spec: Spec) -> Iterable[FieldError]:
    """The engine is ours: an option that it does not have is known before it starts."""
    awaited = False
    for index, argument in enumerate(spec.engine.args):
        if awaited and not argument.startswith("--"):
            awaited = False
            continue
        name, separator, _ = argument.partition("=")
        known = USERS.get(name.removeprefix("--")) if name.startswith("--") else None
        awaited = known is True and not separator
        if known is not None:
            continue
        if flags.is_open(argument):
            message, remedy = "the variable in it could make any option", "write --option=$(NAME)"
        elif name.removeprefix("--") in OWNED:
            message, remedy = f"the operator sets {name}", OWNED[name.removeprefix("--")]
        else:
            message = "the torch engine has no such option"
            remedy = f"use one of {', '.join(f'--{option}' for option in USERS)}"
        yield FieldError(
            StalledReason.INVALID_ARGUMENTS,
            f"spec.engine.args[{index}]",
            argument,
            message,
            remedy,
        )
