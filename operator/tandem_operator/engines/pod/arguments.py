"""The user's own arguments: which of them are the operator's to set."""

import re
from collections.abc import Iterable

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.pod import flags
from tandem_operator.engines.pod.flags import OwnedFlag

_SPACED = re.compile(r"--[A-Za-z][\w.-]*\s")


def validate(spec: Spec, owned: Iterable[OwnedFlag]) -> tuple[FieldError, ...]:
    """The words of `engine.args` that set an owned flag, or could set any."""
    table, errors = tuple(owned), []
    for index, argument in enumerate(spec.engine.args):
        flag = flags.owned_by(argument, table)
        if flag is not None:
            message, remedy = f"the operator sets --{flag.name.rstrip('-')}", flag.remedy
        elif _SPACED.match(argument):
            message = "an engine reads it as one word, and no option has a space in its name"
            remedy = "write two entries, or --option=value"
        elif flags.is_open(argument):
            message = "the variable in it could make any option of it"
            remedy = "write --option=$(NAME)"
        else:
            continue
        field = f"spec.engine.args[{index}]"
        errors.append(FieldError(StalledReason.INVALID_ARGUMENTS, field, argument, message, remedy))
    return tuple(errors)
