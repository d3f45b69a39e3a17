"""The whole of `status`."""

from typing import Annotated, Any

from pydantic import Field

from tandem_operator.api.fields import ListMap, StatusModel
from tandem_operator.api.status.condition import Condition
from tandem_operator.api.status.pair import Candidate, Pair
from tandem_operator.api.status.speculation import SpeculationStatus

Replicas = Annotated[int, Field(ge=0, le=100_000)]


class Status(StatusModel):
    """The observed state."""

    observed_generation: Annotated[
        int, Field(ge=-1, description="Newest generation that was reconciled; -1: none yet.")
    ] = -1
    replicas: Annotated[Replicas | None, Field(description="Engine replicas that exist.")] = None
    ready_replicas: Annotated[Replicas | None, Field(description="Replicas that are ready.")] = None
    updated_replicas: Annotated[
        Replicas | None, Field(description="Replicas of the newest revision.")
    ] = None
    selector: Annotated[
        str | None, Field(max_length=512, description="Label selector of engine pods, for /scale.")
    ] = None
    pair: Annotated[Pair | None, Field(description="The pair that serves.")] = None
    candidate: Annotated[
        Candidate | None,
        Field(
            description=(
                "The pair that is being locked or rolled out, or was rejected; absent if "
                "equal to `pair`."
            )
        ),
    ] = None
    speculation: Annotated[
        SpeculationStatus | None, Field(description="The present state of speculation.")
    ] = None
    managed_by: Annotated[
        str | None,
        Field(
            max_length=320,
            description=(
                "The installation that manages the resource: namespace and Lease of its operator."
            ),
        ),
    ] = None
    conditions: Annotated[
        tuple[Condition, ...], ListMap("type"), Field(max_length=16, description="Conditions.")
    ] = ()

    def to_object(self) -> dict[str, Any]:
        """As it is written to the API server: camelCase, absent fields left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    def condition(self, kind: str) -> Condition | None:
        """The condition of that type, if it stands."""
        return next((each for each in self.conditions if each.type == kind), None)
