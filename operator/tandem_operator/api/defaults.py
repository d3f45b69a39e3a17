"""Defaults that depend on other fields.

Constant defaults stand in the models and the CRD. These never do, and nobody writes them back:
rooms that need the value in force call `effective`, and `tandem plan` shows it.
"""

from dataclasses import dataclass

from tandem_operator.api.spec import (
    METHODS_WITH_HEAD,
    NO_ACCELERATOR,
    EngineServer,
    EngineType,
    LockPolicy,
    ModelSource,
    Spec,
    TokenizerSource,
)

DEFAULT_BRANCH = "main"
DEFAULT_INITIAL_TOKENS = 3
DEFAULT_RESOURCE = "nvidia.com/gpu"
WHOLE_DEVICES = ("nvidia.com/gpu", "amd.com/gpu")
"""Resources of which one is one device to the engine; of others nobody here knows."""
RESOURCE_BY_ENGINE = {
    EngineType.NEURON: "aws.amazon.com/neuron",
    EngineType.TORCH: NO_ACCELERATOR,
}


@dataclass(frozen=True)
class Effective:
    """The values in force of fields whose default depends on other fields.

    `accelerator_resource` is None for CPU, and `accelerator_count`, of one pod, is then 0, as is
    `accelerators_per_replica`, which counts all pods of one replica.
    """

    served_name: str
    initial_tokens: int
    tuning_max_tokens: int
    lock_policy: LockPolicy
    engine_server: EngineServer
    accelerator_resource: str | None
    accelerator_count: int
    accelerators_per_replica: int


def effective(spec: Spec, name: str) -> Effective:
    """The dependent defaults of a resource called `name`."""
    resource = accelerator_resource(spec)
    return Effective(
        served_name=spec.target.served_name or name,
        initial_tokens=initial_tokens(spec),
        tuning_max_tokens=tuning_max_tokens(spec),
        lock_policy=lock_policy(spec),
        engine_server=engine_server(spec),
        accelerator_resource=resource,
        accelerator_count=accelerator_count(spec) if resource else 0,
        accelerators_per_replica=accelerators_per_replica(spec) if resource else 0,
    )


def initial_tokens(spec: Spec) -> int:
    """K before anything is measured: the smaller of 3 and maxTokens."""
    if spec.speculation.initial_tokens is not None:
        return spec.speculation.initial_tokens
    return min(DEFAULT_INITIAL_TOKENS, spec.speculation.max_tokens)


def tuning_max_tokens(spec: Spec) -> int:
    """Highest K that tuning may choose: speculation.maxTokens."""
    if spec.tuning.max_tokens is not None:
        return spec.tuning.max_tokens
    return spec.speculation.max_tokens


def lock_policy(spec: Spec) -> LockPolicy:
    """SameVocabulary; TargetDeclared for heads, which carry no tokenizer."""
    if spec.tokenizer_lock.policy is not None:
        return spec.tokenizer_lock.policy
    if spec.speculation.method in METHODS_WITH_HEAD:
        return LockPolicy.TARGET_DECLARED
    return LockPolicy.SAME_VOCABULARY


def engine_server(spec: Spec) -> EngineServer:
    """Native; Triton for TensorRTLLM."""
    if spec.engine.server is not None:
        return spec.engine.server
    if spec.engine.type is EngineType.TENSORRT_LLM:
        return EngineServer.TRITON
    return EngineServer.NATIVE


def accelerator_resource(spec: Spec) -> str | None:
    """The extended resource of the engine container; None for CPU."""
    resource = spec.accelerator.resource
    if resource is None:
        resource = RESOURCE_BY_ENGINE.get(spec.engine.type, DEFAULT_RESOURCE)
    return None if resource == NO_ACCELERATOR else resource


def accelerator_count(spec: Spec) -> int:
    """Devices of one pod: tensor x data parallel size."""
    if spec.accelerator.count is not None:
        return spec.accelerator.count
    return spec.parallelism.tensor * spec.parallelism.data


def devices_used(spec: Spec) -> int:
    """Devices of one replica: one a rank, tensor x pipeline x data parallel size."""
    parallelism = spec.parallelism
    return parallelism.tensor * parallelism.pipeline * parallelism.data


def accelerators_per_replica(spec: Spec) -> int:
    """Devices of all pods of one replica: what its ranks use, in whole pods.

    A count of a resource of which one may be several devices is taken to be all of them.
    """
    count = accelerator_count(spec)
    if spec.accelerator.count is not None and accelerator_resource(spec) not in WHOLE_DEVICES:
        return count
    return -(-devices_used(spec) // count) * count


def revision(source: ModelSource | TokenizerSource) -> str | None:
    """The revision to resolve: `main` for `hf://`; other schemes have none."""
    if source.revision is not None:
        return source.revision
    return DEFAULT_BRANCH if source.uri.startswith("hf://") else None
