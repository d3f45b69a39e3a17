"""One condition."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field, field_serializer

from tandem_operator.api.fields import StatusModel

ConditionStatus = Literal["True", "False", "Unknown"]


class Condition(StatusModel):
    """A fact about the resource, in the form that kstatus, Argo CD and Flux read."""

    type: Annotated[str, Field(max_length=64, description="What the condition is about.")]
    status: Annotated[ConditionStatus, Field(description="True, False or Unknown.")]
    reason: Annotated[
        str, Field(min_length=1, max_length=64, description="The reason, as one documented word.")
    ]
    message: Annotated[
        str, Field(max_length=4096, description="The reason in a sentence, with the remedy.")
    ] = ""
    last_transition_time: Annotated[
        datetime,
        Field(description="When `status` last changed.", examples=["2026-01-02T03:04:05Z"]),
    ]
    observed_generation: Annotated[
        int | None,
        Field(ge=-1, description="Generation of the resource that the condition is about."),
    ] = None

    @field_serializer("last_transition_time")
    def _rfc3339(self, value: datetime) -> str:
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
