"""How tokens are drafted."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field

from tandem_operator.api.fields import LIVE, Preserved, Rule, SpecModel


class Method(StrEnum):
    """Where drafted tokens come from."""

    DRAFT_MODEL = "DraftModel"
    EAGLE = "Eagle"
    EAGLE3 = "Eagle3"
    MTP = "MTP"
    N_GRAM = "NGram"
    SUFFIX = "Suffix"
    MEDUSA = "Medusa"
    LAYER_SKIP = "LayerSkip"
    DFLASH = "DFlash"
    DSPARK = "DSpark"


METHODS_WITH_HEAD = frozenset(
    {Method.EAGLE, Method.EAGLE3, Method.MEDUSA, Method.DFLASH, Method.DSPARK}
)
"""Methods whose draft is a head trained for one target, usually without a tokenizer."""

METHODS_WITH_OPTIONAL_DRAFT = frozenset({Method.MTP, Method.DSPARK})
"""Methods whose draft is a repository of its own, or stands in the target's."""

METHODS_WITH_DRAFT = (
    frozenset({Method.DRAFT_MODEL}) | METHODS_WITH_HEAD
) - METHODS_WITH_OPTIONAL_DRAFT
"""Methods that need `spec.draft`; those that are in neither set forbid it."""


def _listed(methods: frozenset[Method]) -> str:
    """The methods as a list of CEL, in the order of the enumeration."""
    return "[" + ", ".join(f"'{method}'" for method in Method if method in methods) + "]"


NEED_A_DRAFT = _listed(METHODS_WITH_DRAFT)
TAKE_A_DRAFT = _listed(METHODS_WITH_DRAFT | METHODS_WITH_OPTIONAL_DRAFT)
MAY_BE_DECLARED = _listed(METHODS_WITH_HEAD | METHODS_WITH_OPTIONAL_DRAFT)


class ConstrainedOutput(StrEnum):
    """What happens to requests with constrained output."""

    BYPASS = "Bypass"
    ALLOW = "Allow"


class NGram(SpecModel):
    """Bounds of the n-grams that are looked up in prompt and output."""

    min_lookup: Annotated[
        int | None,
        Field(ge=1, le=32, description="Shortest n-gram looked up, in tokens.", examples=[2]),
    ] = None
    max_lookup: Annotated[
        int | None,
        Field(ge=1, le=32, description="Longest n-gram looked up, in tokens.", examples=[4]),
    ] = None

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.minLookup) || !has(self.maxLookup) || self.minLookup <= self.maxLookup",
            "minLookup {self.minLookup} is above maxLookup {self.maxLookup}: lower minLookup "
            "or raise maxLookup",
            ".minLookup",
        ),
    )


class LayerSkip(SpecModel):
    """Drafting by an early exit from the target."""

    exit_layer: Annotated[
        int,
        Field(ge=1, le=256, description="Layer after which the draft exits.", examples=[4]),
    ]


class Speculation(SpecModel):
    """Method, depth and what constrained requests do."""

    method: Annotated[
        Method,
        Field(
            description=(
                "Where drafts come from. `DraftModel`, `Eagle`, `Eagle3`, `Medusa` and `DFlash` "
                "need `spec.draft`; `MTP` and `DSpark` take one that is not in the target's own "
                "files; `NGram`, `Suffix` and `LayerSkip` forbid it."
            ),
            examples=["DraftModel"],
        ),
    ]
    max_tokens: Annotated[
        int,
        Field(
            ge=1,
            le=32,
            description="Largest number of drafted tokens (K); the engine is started with it.",
            examples=[7],
        ),
    ] = 5
    initial_tokens: Annotated[
        int | None,
        LIVE,
        Field(
            ge=0,
            le=32,
            description=(
                "K before anything is measured, at most `maxTokens`; absent means the smaller of "
                "3 and `maxTokens`."
            ),
            examples=[3],
        ),
    ] = None
    constrained_output: Annotated[
        ConstrainedOutput,
        LIVE,
        Field(
            description=(
                "`Bypass`: requests with constrained output (JSON, regular expressions, forced "
                "or strict tools) run without "
                "speculation. `Allow`: they use it like all others."
            ),
            examples=["Bypass"],
        ),
    ] = ConstrainedOutput.BYPASS
    n_gram: Annotated[
        NGram | None, Field(description="Settings of method `NGram`; refused with other methods.")
    ] = None
    layer_skip: Annotated[
        LayerSkip | None,
        Field(description="Settings of method `LayerSkip`; refused with other methods."),
    ] = None
    draft_tensor_parallel: Annotated[
        int | None,
        Field(
            ge=1,
            le=64,
            description=(
                "Tensor parallel size of the draft, for methods with a draft; absent means that "
                "the engine decides."
            ),
            examples=[1],
        ),
    ] = None
    engine_config: Annotated[
        dict[str, Any] | None,
        Preserved(),
        Field(
            description=(
                "More keys of the engine's own speculation settings, passed through with their "
                "types. Keys that the operator sets itself are refused."
            ),
            examples=[{"disable_padded_drafter_batch": True}],
        ),
    ] = None

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.initialTokens) || self.initialTokens <= self.maxTokens",
            "initialTokens {self.initialTokens} is above maxTokens {self.maxTokens}: lower "
            "initialTokens or raise maxTokens",
            ".initialTokens",
        ),
        Rule(
            "!has(self.nGram) || self.method == 'NGram'",
            "nGram belongs to method NGram, not to {self.method}: remove nGram or set "
            "method: NGram",
            ".nGram",
        ),
        Rule(
            "!has(self.layerSkip) || self.method == 'LayerSkip'",
            "layerSkip belongs to method LayerSkip, not to {self.method}: remove layerSkip or set "
            "method: LayerSkip",
            ".layerSkip",
        ),
        Rule(
            "self.method != 'LayerSkip' || has(self.layerSkip)",
            "method LayerSkip needs layerSkip.exitLayer: name the layer after which the draft "
            "leaves",
            ".layerSkip",
        ),
        Rule(
            f"!has(self.draftTensorParallel) || self.method in {TAKE_A_DRAFT}",
            "draftTensorParallel {self.draftTensorParallel} belongs to methods with a draft "
            "(DraftModel, Eagle, Eagle3, MTP, Medusa, DFlash, DSpark), not to {self.method}: "
            "remove it",
            ".draftTensorParallel",
        ),
    )
