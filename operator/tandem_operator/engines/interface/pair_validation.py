"""What an engine makes of a pair that the lock has inspected: refused, or allowed with warnings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tandem_operator.engines.interface.field_error import FieldError


@dataclass(frozen=True)
class Warned:
    """Something that starts and yet is not what one expects; told, never refused."""

    field: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}; {self.remedy}"


@dataclass(frozen=True)
class DeviceNeed:
    """What one device must hold at least, bytes by part, and what to do where it cannot."""

    parts: Mapping[str, int]
    remedy: str


@dataclass(frozen=True)
class PairValidation:
    """An engine's answer. It starts the pair exactly where there is no refusal.

    `device` is set by an engine that holds other sizes than those of the files.
    """

    refusals: tuple[FieldError, ...] = ()
    warnings: tuple[Warned, ...] = ()
    device: DeviceNeed | None = None

    @property
    def allowed(self) -> bool:
        """Whether the engine would start the pair."""
        return not self.refusals

    @property
    def reasons(self) -> tuple[str, ...]:
        """Each finding in a sentence with its remedy, refusals first."""
        return (*map(str, self.refusals), *map(str, self.warnings))
