"""What an engine makes of a pair that the lock has looked at: refused, or allowed with warnings."""

from __future__ import annotations

from dataclasses import dataclass

from tandem_operator.engines.field_error import FieldError


@dataclass(frozen=True)
class Warned:
    """Something that starts and yet is not what one expects; told, never refused."""

    field: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}; {self.remedy}"


@dataclass(frozen=True)
class PairJudgement:
    """An engine's answer. It starts the pair exactly where there is no refusal."""

    refusals: tuple[FieldError, ...] = ()
    warnings: tuple[Warned, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the engine would start the pair."""
        return not self.refusals

    @property
    def reasons(self) -> tuple[str, ...]:
        """Each finding in a sentence with its remedy, refusals first."""
        return (*map(str, self.refusals), *map(str, self.warnings))
