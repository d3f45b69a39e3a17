"""The pair that serves, and the one that wants to."""

from typing import Annotated

from pydantic import Field

from tandem_operator.api.fields import StatusModel

InputHash = Annotated[
    str,
    Field(
        max_length=16,
        description="Hash of the pod-shaping fields; the same input has the same lock.",
        examples=["0123456789abcdef"],
    ),
]
Count = Annotated[int, Field(ge=0, le=2**53)]


class LockedSource(StatusModel):
    """A source and the immutable revision it was resolved to."""

    uri: Annotated[str, Field(max_length=512, description="As in spec.")]
    revision: Annotated[
        str | None, Field(max_length=256, description="Full commit, or digest of the content.")
    ] = None


class Parameters(StatusModel):
    """Number of parameters."""

    target: Annotated[Count | None, Field(description="Of the target.")] = None
    draft: Annotated[Count | None, Field(description="Of the draft.")] = None


class MemoryBytes(StatusModel):
    """Accelerator memory, in bytes."""

    target: Annotated[Count | None, Field(description="Weights of the target.")] = None
    draft: Annotated[Count | None, Field(description="Weights of the draft.")] = None
    kv_per_token: Annotated[
        Count | None, Field(description="KV cache of target and draft for one token.")
    ] = None


class Pair(StatusModel):
    """The pair that serves."""

    input_hash: InputHash
    target: Annotated[LockedSource, Field(description="The target.")]
    draft: Annotated[LockedSource | None, Field(description="The draft, if there is one.")] = None
    tokenizer_digest: Annotated[
        str | None, Field(max_length=81, description="Fingerprint of the target's tokenizer.")
    ] = None
    verdict: Annotated[str, Field(max_length=32, description="The lock's verdict.")]
    reason: Annotated[str, Field(max_length=64, description="The lock's reason.")]
    locked_at: Annotated[
        str | None, Field(max_length=32, description="When the pair was locked.")
    ] = None
    parameters: Annotated[Parameters | None, Field(description="Number of parameters.")] = None
    memory_bytes: Annotated[MemoryBytes | None, Field(description="Memory, in bytes.")] = None
    mixture_of_experts: Annotated[
        bool | None, Field(description="Whether the target is a mixture of experts.")
    ] = None


class Candidate(StatusModel):
    """What is being locked or rolled out, or was refused."""

    input_hash: InputHash
    target: Annotated[LockedSource | None, Field(description="The target.")] = None
    draft: Annotated[LockedSource | None, Field(description="The draft.")] = None
    verdict: Annotated[
        str | None, Field(max_length=32, description="The lock's verdict, once known.")
    ] = None
    reason: Annotated[str, Field(max_length=64, description="Its phase.")]
    message: Annotated[str, Field(max_length=4096, description="Its phase in a sentence.")] = ""
