"""The serving engine and what is passed through to it."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from tandem_operator.api.fields import Explained, ListMap, Rule, SpecModel

OBJECT_NAME = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
OBJECT_NAME_MESSAGE = (
    "{self} is no name of an object: use lower-case letters, digits, '-' and '.', with a letter or "
    "digit at both ends"
)
KEY_NAME = r"^[-._A-Za-z0-9]+$"


class EngineType(StrEnum):
    """Serving engines, by their own names."""

    VLLM = "vLLM"
    TENSORRT_LLM = "TensorRTLLM"
    SGLANG = "SGLang"
    NEURON = "Neuron"
    TORCH = "Torch"


class EngineServer(StrEnum):
    """The server in front of the engine."""

    NATIVE = "Native"
    TRITON = "Triton"


class ModelRunner(StrEnum):
    """vLLM's model runners."""

    V1 = "V1"
    V2 = "V2"


ObjectName = Annotated[
    str,
    Explained(OBJECT_NAME_MESSAGE),
    Field(
        min_length=1,
        max_length=253,
        pattern=OBJECT_NAME,
        description="Name of an object of this namespace.",
        examples=["engine-settings"],
    ),
]


class KeySelector(SpecModel):
    """One key of a Secret or ConfigMap of this namespace."""

    name: ObjectName
    key: Annotated[
        str,
        Explained("{self} is no key: use letters, digits, '-', '_' and '.'"),
        Field(
            min_length=1,
            max_length=253,
            pattern=KEY_NAME,
            description="Key inside the object.",
            examples=["level"],
        ),
    ]
    optional: Annotated[
        bool | None,
        Field(description="Start without the variable if the key does not exist.", examples=[True]),
    ] = None


class FieldSelector(SpecModel):
    """One field of the pod."""

    field_path: Annotated[
        str,
        Field(
            min_length=1,
            max_length=253,
            description="Path of the field in the pod.",
            examples=["status.podIP"],
        ),
    ]


class EnvSource(SpecModel):
    """Where the value of a variable comes from; exactly one of the three."""

    secret_key_ref: Annotated[
        KeySelector | None, Field(description="A key of a Secret; only the kubelet reads it.")
    ] = None
    config_map_key_ref: Annotated[
        KeySelector | None, Field(description="A key of a ConfigMap.")
    ] = None
    field_ref: Annotated[FieldSelector | None, Field(description="A field of the pod.")] = None

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "(has(self.secretKeyRef) ? 1 : 0) + (has(self.configMapKeyRef) ? 1 : 0) "
            "+ (has(self.fieldRef) ? 1 : 0) == 1",
            "valueFrom needs exactly one of secretKeyRef, configMapKeyRef and fieldRef",
        ),
    )


class EnvVar(SpecModel):
    """One environment variable of the engine."""

    name: Annotated[
        str,
        Explained(
            "{self} is no name of a variable: use letters, digits, '_', '-' and '.', with a letter "
            "or '_' first"
        ),
        Field(
            min_length=1,
            max_length=256,
            pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$",
            description="Name of the variable. Variables that the operator sets are refused.",
            examples=["VLLM_LOGGING_LEVEL"],
        ),
    ]
    value: Annotated[
        str | None, Field(max_length=8192, description="Its value.", examples=["INFO"])
    ] = None
    value_from: Annotated[
        EnvSource | None, Field(description="Where its value comes from, instead of `value`.")
    ] = None

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!(has(self.value) && has(self.valueFrom))",
            "variable {self.name} has both value and valueFrom: remove one",
            ".valueFrom",
        ),
    )


EngineArgument = Annotated[
    str,
    Field(max_length=4096, description="One argument.", examples=["--enforce-eager"]),
]


class Engine(SpecModel):
    """Engine, image and pass-through settings."""

    type: Annotated[EngineType, Field(description="The serving engine.", examples=["vLLM"])]
    server: Annotated[
        EngineServer | None,
        Field(
            description=(
                "The server in front of the engine; absent means `Native`, and `Triton` for "
                "TensorRTLLM."
            ),
            examples=["Native"],
        ),
    ] = None
    image: Annotated[
        str | None,
        Explained(
            "{self} is no image: use name:tag or name@sha256:digest, for example "
            "vllm/vllm-openai:v0.32.0"
        ),
        Field(
            min_length=1,
            max_length=512,
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*$",
            description=(
                "The engine's stock image, preferably pinned by digest. Required except for Torch "
                "without a server, whose image the chart provides."
            ),
            examples=["vllm/vllm-openai:v0.32.0"],
        ),
    ] = None
    model_runner: Annotated[
        ModelRunner | None,
        Field(
            description=(
                "vLLM's model runner; absent means vLLM's default, which is V2 on a GPU and V1 "
                "on a CPU. docs/engines/vllm.md says how each handles a changing K. Refused "
                "with other engines."
            ),
            examples=["V2"],
        ),
    ] = None
    args: Annotated[
        tuple[EngineArgument, ...],
        Field(
            max_length=128,
            description=(
                "Arguments appended to the engine's command. Flags that the operator sets "
                "(model, tokenizer, revision, speculation, scheduler, address, ...) are refused "
                "in every spelling: `Stalled` with reason `InvalidArguments`."
            ),
            examples=[["--max-model-len", "8192"]],
        ),
    ] = ()
    env: Annotated[
        tuple[EnvVar, ...],
        ListMap("name"),
        Field(
            max_length=128,
            description=(
                "Environment variables of the engine. `PYTHONPATH`, `VLLM_PLUGINS`, "
                "`VLLM_SERVER_DEV_MODE`, `VLLM_USE_RUST_FRONTEND`, `VLLM_USE_V2_MODEL_RUNNER`, "
                "`PROMETHEUS_MULTIPROC_DIR`, `HF_*` and `TANDEM_*` belong to the operator and "
                "are refused."
            ),
            examples=[[{"name": "VLLM_LOGGING_LEVEL", "value": "INFO"}]],
        ),
    ] = ()

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "has(self.image) || self.type == 'Torch'",
            "image is required for type {self.type}: name the engine's stock image, for example "
            "vllm/vllm-openai:v0.32.0",
            ".image",
        ),
        Rule(
            "!has(self.modelRunner) || self.type == 'vLLM'",
            "modelRunner {self.modelRunner} is vLLM's, not {self.type}'s: remove modelRunner",
            ".modelRunner",
        ),
        Rule(
            "!has(self.server) || self.server == 'Native' || self.type in ['TensorRTLLM', 'Torch']",
            "server {self.server} serves types TensorRTLLM and Torch, not {self.type}: "
            "remove server",
            ".server",
        ),
    )
