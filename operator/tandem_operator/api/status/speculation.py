"""What speculation does now."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from tandem_operator.api.fields import ListMap, StatusModel

Tokens = Annotated[int, Field(ge=0, le=32)]
Percent = Annotated[int, Field(ge=0, le=100)]


class SpeculationState(StrEnum):
    """What speculation is doing."""

    ACTIVE = "Active"
    IDLE = "Idle"
    REMOVED = "Removed"
    PENDING = "Pending"


class LiveMode(StrEnum):
    """How K reaches a running engine."""

    LOOKUP = "Lookup"
    TRIM = "Trim"
    ROLLOUT = "Rollout"


class SpeedupBaseline(StrEnum):
    """What a speedup is measured against."""

    IDLE = "Idle"
    NOT_LOADED = "NotLoaded"


class ScheduleRange(StatusModel):
    """K for a closed range of decoding requests; the last range extends upward."""

    from_: Annotated[
        int, Field(alias="from", ge=1, le=65_536, description="First number of requests.")
    ]
    to: Annotated[int, Field(ge=1, le=65_536, description="Last number of requests.")]
    tokens: Annotated[Tokens, Field(description="K.")]


class LastDecision(StatusModel):
    """The newest decision of the tuner."""

    time: Annotated[str, Field(max_length=32, description="The time of the decision.")]
    reason: Annotated[str, Field(max_length=64, description="The rule that fired.")]
    message: Annotated[str, Field(max_length=1024, description="Its numbers, in a sentence.")] = ""


class SegmentAcceptance(StatusModel):
    """Acceptance of one traffic segment."""

    name: Annotated[str, Field(max_length=32, description="The segment.")]
    acceptance_rate_percent: Annotated[Percent | None, Field(description="Its rate.")] = None


class SpeculationStatus(StatusModel):
    """State, K and their effect; numbers change only when the difference matters."""

    state: Annotated[SpeculationState, Field(description="What speculation is doing.")]
    live_mode: Annotated[
        LiveMode | None,
        Field(
            description=(
                "`Lookup`: K is looked up at each step. `Trim`: drafts are cut before they are "
                "verified. `Rollout`: K changes by a rollout."
            )
        ),
    ] = None
    effective_tokens: Annotated[Tokens | None, Field(description="K at the present load.")] = None
    schedule: Annotated[
        tuple[ScheduleRange, ...],
        Field(max_length=64, description="K by number of decoding requests."),
    ] = ()
    generation: Annotated[
        int | None, Field(ge=-1, description="Generation of the speculation table.")
    ] = None
    applied_replicas: Annotated[
        int | None, Field(ge=0, le=100_000, description="Replicas that have applied it.")
    ] = None
    acceptance_rate_percent: Annotated[
        Percent | None,
        Field(description="Accepted / (accepted + drafts that ended in a rejection), in percent."),
    ] = None
    mean_accepted_tokens: Annotated[
        str | None,
        Field(
            max_length=16,
            description="Mean number of accepted tokens of a draft.",
            examples=["2.7"],
        ),
    ] = None
    speedup: Annotated[
        str | None,
        Field(
            max_length=16,
            description="Time per token without / with speculation; `-` if not measured.",
            examples=["2.1"],
        ),
    ] = None
    speedup_baseline: Annotated[
        SpeedupBaseline | None,
        Field(description="What `speedup` compares with: K=0, or the draft not loaded."),
    ] = None
    last_decision: Annotated[LastDecision | None, Field(description="The newest decision.")] = None
    segments: Annotated[
        tuple[SegmentAcceptance, ...],
        ListMap("name"),
        Field(max_length=16, description="Acceptance by traffic segment."),
    ] = ()
