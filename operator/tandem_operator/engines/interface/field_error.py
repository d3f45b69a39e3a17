"""Why something that the schema accepted cannot be carried out."""

from dataclasses import dataclass

from tandem_operator.api.conditions import StalledReason

MAX_VALUE_LENGTH = 120


@dataclass(frozen=True)
class FieldError:
    """One finding: the field and value at fault, what is wrong with it, and what to do.

    `field` is a path in the manifest, such as `spec.engine.args[2]`.
    """

    reason: StalledReason
    field: str
    value: str
    message: str
    remedy: str

    def __str__(self) -> str:
        value = self.value
        if len(value) > MAX_VALUE_LENGTH:
            value = value[: MAX_VALUE_LENGTH - 3] + "..."
        return f"{self.field}: {value}: {self.message}; {self.remedy}"


def message_of(refusals: tuple[FieldError, ...]) -> str:
    """All findings of one reason as the message of a condition; the first ten in full."""
    shown = [str(error) for error in refusals[:10]]
    if len(refusals) > len(shown):
        shown.append(f"and {len(refusals) - len(shown)} more")
    return " | ".join(shown)
