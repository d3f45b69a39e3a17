"""What hardware a replica takes, and how the model is laid over it."""

from typing import Annotated, ClassVar

from pydantic import Field

from tandem_operator.api.fields import Explained, Rule, SpecModel
from tandem_operator.api.spec.engine import ObjectName

NO_ACCELERATOR = "None"
"""Value of `accelerator.resource` for an engine on CPU."""


class Accelerator(SpecModel):
    """Devices of each engine container."""

    resource: Annotated[
        str | None,
        Explained(
            "{self} is no extended resource: use domain/name, for example nvidia.com/gpu, or None "
            "for CPU"
        ),
        Field(
            min_length=1,
            max_length=253,
            pattern=r"^(None|[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)$",
            description=(
                "Extended resource that the engine container asks for, or `None` for CPU. Absent "
                "means `nvidia.com/gpu`, `aws.amazon.com/neuron` for Neuron and `None` for Torch. "
                "DRA claims go through `template`."
            ),
            examples=["nvidia.com/gpu"],
        ),
    ] = None
    count: Annotated[
        int | None,
        Field(
            ge=1,
            le=4096,
            description=(
                "Number of devices in each pod; absent means `parallelism.tensor` x "
                "`parallelism.data`. A replica that needs more is spread over several pods: a "
                "stage of the pipeline in each, or a part of the tensor parallel ranks. With "
                "`count` as large as the replica needs, one replica is one pod."
            ),
            examples=[4],
        ),
    ] = None

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.count) || !has(self.resource) || self.resource != 'None'",
            "count {self.count} has no meaning with resource None: remove count",
            ".count",
        ),
    )


class Parallelism(SpecModel):
    """How many ways the target is split."""

    tensor: Annotated[
        int, Field(ge=1, le=64, description="Tensor parallel size.", examples=[4])
    ] = 1
    pipeline: Annotated[
        int,
        Field(
            ge=1,
            le=64,
            description=(
                "Pipeline parallel size. Above 1, without `accelerator.count`, each stage is a pod "
                "of its own, and the replicas are a LeaderWorkerSet `<name>-group`."
            ),
            examples=[1],
        ),
    ] = 1
    data: Annotated[
        int,
        Field(
            ge=1,
            le=64,
            description=(
                "Data parallel size inside one replica. More than 1 with a mixture-of-experts "
                "model "
                "and live K it is refused on vLLM."
            ),
            examples=[1],
        ),
    ] = 1


class ModelCache(SpecModel):
    """Where fetched files are stored; an emptyDir if no field is set."""

    claim_name: Annotated[
        ObjectName | None,
        Field(
            description=(
                "PersistentVolumeClaim of this namespace, shared by pods; files are stored "
                "under `<commit>/`. Absent "
                "means an emptyDir for each pod."
            ),
            examples=["models"],
        ),
    ] = None
    size_limit: Annotated[
        str | None,
        Explained("{self} is no size: use a number and a unit, for example 200Gi"),
        Field(
            max_length=32,
            pattern=r"^[0-9]+(\.[0-9]+)?([KMGTPE]i?|k|m)?$",
            description="Size limit of the emptyDir.",
            examples=["200Gi"],
        ),
    ] = None

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!(has(self.claimName) && has(self.sizeLimit))",
            "claimName {self.claimName} and sizeLimit {self.sizeLimit} exclude each other: "
            "sizeLimit is for an emptyDir, remove one",
            ".sizeLimit",
        ),
    )
