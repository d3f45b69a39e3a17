"""Refusals of both reasons."""

from tandem_operator.api.conditions import StalledReason
from tandem_operator.engines.interface.field_error import FieldError


def unsupported(field: str, value: object, message: str, remedy: str) -> FieldError:
    """What the engine cannot do; `field` is below `spec`."""
    reason = StalledReason.UNSUPPORTED_COMBINATION
    return FieldError(reason, f"spec.{field}", str(value), message, remedy)


def invalid(field: str, value: object, message: str, remedy: str) -> FieldError:
    """What is the operator's to set, or of another form; `field` is below `spec`."""
    return FieldError(StalledReason.INVALID_ARGUMENTS, f"spec.{field}", str(value), message, remedy)
