"""How a change of the pod template reaches the pods."""

from typing import Annotated

from pydantic import Field

from tandem_operator.api.fields import Explained, SpecModel

Count = Annotated[int, Field(ge=0, le=1000)]
Percent = Annotated[
    str,
    Explained(
        "{self} is neither a number nor a percentage: use 0 to 1000 without quotes, or 0% to 100%",
        unless="type(self) == int",
    ),
    Field(max_length=4, pattern=r"^(100|[1-9]?[0-9])%$"),
]


class Rollout(SpecModel):
    """Bounds of a rollout, as in a Deployment."""

    max_unavailable: Annotated[
        Count | Percent,
        Field(
            description=(
                "Replicas, as a number or percentage, that may be missing during a rollout. A "
                "cluster without a free accelerator sets 1, so that an old pod makes room."
            ),
            examples=[1],
        ),
    ] = 0
    max_surge: Annotated[
        Count | Percent,
        Field(
            description="Replicas, as a number or percentage, added during a rollout.",
            examples=["25%"],
        ),
    ] = 1
