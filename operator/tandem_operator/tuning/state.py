"""Everything the tuner remembers between two calls, as one frozen value that goes to JSON and back.

The control loop keeps it in the ``<name>-tuner`` ConfigMap (at most 32 KiB) and drops it when pair,
image, accelerator or parallelism change. No number in it is ever infinite or NaN: reading JSON that
holds one is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, TypeAdapter

from tandem_operator.tuning.acceptance.guardrail import AcceptanceGuardrail
from tandem_operator.tuning.acceptance.survival import Survival
from tandem_operator.tuning.decision import Schedule
from tandem_operator.tuning.exploration.schedule import EVERY_STEPS, ExplorationPlan
from tandem_operator.tuning.policy.change_budget import ChangeBudget
from tandem_operator.tuning.policy.objective import Service
from tandem_operator.tuning.policy.rollback import Rollback
from tandem_operator.tuning.step_time.model import StepModel
from tandem_operator.tuning.table import ROWS, Table, row_of, tokens_in


@dataclass(frozen=True)
class State:
    """Learned state. Give it back to `tune` unchanged; nothing outside this room reads its parts.

    ``table`` and ``prefill_table`` are what the policy wants, before guardrails;
    ``impossible_windows`` tells how many windows in a row could not be believed; ``batch`` the
    decoding requests of the busiest replica, ``batches`` those of each when last there were any;
    ``verdict`` reason and message of the last change; ``shown`` the last decision, to tell what
    changed; ``return_every`` the steps between bursts while off; ``expected_s`` the seconds per
    output token of steps without prefill that the last decision predicted.

    Fields were renamed since states are stored: an alias is the name in JSON.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(allow_inf_nan=False, extra="ignore")

    table: Table
    prefill_table: Table | None = None
    version: int = 1
    now_s: float | None = None
    impossible_windows: int = 0
    guardrail: Annotated[AcceptanceGuardrail, Field(alias="rail")] = field(
        default_factory=AcceptanceGuardrail
    )
    survival: Survival = field(default_factory=Survival)
    steps: StepModel = field(default_factory=StepModel)
    budget: Annotated[ChangeBudget, Field(alias="pacing")] = field(default_factory=ChangeBudget)
    batch: float | None = None
    batches: tuple[float, ...] = ()
    service: Service = field(default_factory=Service)
    rollback: Annotated[Rollback, Field(alias="trial")] = field(default_factory=Rollback)
    return_every: int = EVERY_STEPS
    exploration_plan: Annotated[ExplorationPlan, Field(alias="trying")] = field(
        default_factory=ExplorationPlan
    )
    learned: bool = False
    verdict: tuple[str, str] | None = None
    shown: tuple[Schedule, Schedule | None, str] | None = None
    expected_s: float | None = None

    def __post_init__(self) -> None:
        lengths = {len(self.table), len(self.prefill_table or self.table)}
        if lengths != {ROWS}:
            raise ValueError(f"tables of {sorted(lengths)} rows: give {ROWS}")

    @property
    def regime_changes(self) -> int:
        """How often prompts or engine have become others."""
        return self.survival.changes + self.steps.drift.shifts

    def tokens_in_force(self, batch: float) -> int:
        """K for so many decoding requests since the last decision, guardrails included."""
        if self.shown is None:
            return self.table[row_of(batch)]
        return tokens_in(self.shown[0], batch)

    def to_json(self) -> str:
        """One line of JSON, at most 32 KiB."""
        return _ADAPTER.dump_json(self, by_alias=True).decode()

    @staticmethod
    def from_json(text: str | bytes) -> State:
        """The state written by :meth:`to_json`.

        Raises:
            ValueError: not such a state (another version, a damaged file): start from
                `initial_state` instead.
        """
        return _ADAPTER.validate_json(text)


_ADAPTER: TypeAdapter[State] = TypeAdapter(State)
