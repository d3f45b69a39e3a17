"""The vocabulary of draft kinds: by what each is known, what it needs, which methods take it.

The one place that knows one kind from another. `kind.py` reads a model's files against it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from re import Pattern

DRAFT_MODEL, EAGLE, EAGLE3, MEDUSA, MTP = "DraftModel", "Eagle", "Eagle3", "Medusa", "MTP"
DFLASH, DSPARK = "DFlash", "DSpark"


@dataclass(frozen=True)
class DraftKind:
    """One kind of draft.

    Attributes:
        name: as the pair report tells it.
        title: in a sentence, with its article.
        methods: of this release that take it, the usual one first; empty where none does.
        needs: what it has and an engine looks for.
        architectures: of config.json, in any case of letters.
        model_types: of config.json.
        keys: of config.json that no other kind has.
        speculators: values of `speculators_model_type` (the speculators library's format).
        tensors: names that no other kind has. A name may stand below one of PREFIXES.
    """

    name: str
    title: str
    methods: tuple[str, ...]
    needs: str
    architectures: Pattern[str] | None = None
    model_types: Pattern[str] | None = None
    keys: tuple[str, ...] = ()
    speculators: tuple[str, ...] = ()
    tensors: Pattern[str] | None = None


_NO_VISION = r"^(?!.*(?:eagle.*_vl|chat|conditionalgeneration))"
"""A family of vision models is called Eagle too."""
PREFIXES = r"(?:model\.|draft_model\.|eagle_module\.)?"


def _words(pattern: str) -> Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _names(pattern: str) -> Pattern[str]:
    return re.compile(rf"{PREFIXES}(?:{pattern})")


HEADS = (
    DraftKind(
        "DSpark",
        "a DSpark head",
        (DSPARK,),
        "layers of the target, and a Markov head",
        architectures=_words("dspark"),
        model_types=_words(r".*dspark.*"),
        speculators=("dspark",),
        tensors=_names(r"markov_head\.|confidence_head\."),
    ),
    DraftKind(
        "DFlash",
        "a DFlash head",
        (DFLASH,),
        "layers of the target, and a mask token",
        architectures=_words(r"dflash|lilicorrdraft|museglimmerassistant"),
        model_types=_words(r".*dflash.*"),
        keys=("dflash_config",),
        speculators=("dflash", "dflash2"),
        tensors=_names(r"hidden_norm\.weight$"),
    ),
    DraftKind(
        "PEagle",
        "a P-EAGLE head",
        (EAGLE3,),
        "three layers of the target, a mask token, and parallel drafting",
        architectures=_words("peagle"),
        speculators=("peagle",),
    ),
    DraftKind(
        "Eagle3",
        "an EAGLE-3 head",
        (EAGLE3,),
        "several layers of the target (`fc`), and a table d2t where its vocabulary is smaller",
        architectures=_words(rf"{_NO_VISION}.*eagle-?_?3"),
        model_types=_words(rf"{_NO_VISION}.*eagle-?_?3.*"),
        keys=("eagle_config", "eagle_aux_hidden_state_layer_ids", "draft_vocab_size"),
        speculators=("eagle3",),
        tensors=_names(r"midlayer\.|layers\.\d+\.hidden_norm\.|d2t$|t2d$"),
    ),
    DraftKind(
        "Eagle",
        "an EAGLE head",
        (EAGLE,),
        "the last hidden state of the target (`fc`)",
        architectures=_words(rf"{_NO_VISION}.*eagle"),
        model_types=_words(rf"{_NO_VISION}.*eagle.*"),
        speculators=("eagle", "hass"),
        tensors=_names(r"fc\.|fusion_fc\.|eagle_linear\."),
    ),
    DraftKind(
        "Medusa",
        "Medusa heads",
        (MEDUSA,),
        "a head for each further token",
        architectures=_words("medusa"),
        model_types=_words(r".*medusa.*"),
        keys=("medusa_num_heads", "medusa_num_layers"),
        tensors=_names(
            r"(?:medusa_heads?\.)?\d+\.\d+\.(?:linear\.)?\w+$|blocks\.\d+\.layers\.|lm_heads\.\d+\."
        ),
    ),
    DraftKind(
        "Hydra",
        "Hydra heads",
        (),
        "a head for each further token that reads the drafted ones",
        architectures=re.compile("Hydra"),
        model_types=_words(r".*hydra.*"),
        keys=("hydra_num_heads",),
    ),
    DraftKind(
        "MLPSpeculator",
        "an MLP speculator",
        (),
        "a hidden state of the target",
        architectures=_words("mlpspeculator"),
        model_types=_words(r"mlp_speculator"),
        speculators=("mlp", "mlp_speculator"),
    ),
    DraftKind(
        "MTP",
        "MTP layers that stand apart from their target",
        (MTP, DRAFT_MODEL),
        "the target's hidden state and its table of embeddings",
        architectures=re.compile(r"MTP|Mtp|NextN|Assistant(?:For|Model)"),
        model_types=_words(r".*_mtp|.*_assistant"),
        speculators=("mtp",),
        tensors=_names(r"pre_projection\."),
    ),
)
MODEL = DraftKind(
    "Model",
    "an ordinary model",
    (DRAFT_MODEL,),
    "a tokenizer equal to the target's",
    architectures=_words(r"(?:ForCausalLM|ForConditionalGeneration|LMHeadModel|Seq2SeqLM)$"),
    tensors=re.compile(r"(?:.*\.)?(?:embed_tokens|wte|word_embeddings|tok_embeddings|layers|h)\."),
)
ADAPTER = DraftKind("Adapter", "an adapter (LoRA), not a model", (), "the model it was made for")
WITHOUT_TEXT = DraftKind(
    "WithoutText",
    "a model that writes no text (it embeds, classifies or scores)",
    (),
    "texts to judge",
    architectures=_words(
        r"(?:ForMaskedLM|For\w*Classification|For\w*QuestionAnswering|ForMultipleChoice"
        r"|ForRewardModel\w*|RewardModel|ForProcessReward\w*|ForScoring|EmbeddingModel)$"
    ),
)
UNKNOWN = DraftKind("Unknown", "of a kind that is not known", (), "not known")

KINDS = {kind.name: kind for kind in (*HEADS, MODEL, ADAPTER, WITHOUT_TEXT, UNKNOWN)}
METHODS_WITH_HEAD = (EAGLE, EAGLE3, MEDUSA, DFLASH, DSPARK)
_DRAFT_WORDS = _words(r"speculat|draft|assistant|head")
"""In an architecture of which nothing else is known: certainly no ordinary model."""


def sounds_like_a_draft(architecture: str) -> bool:
    """Whether an architecture that no kind knows calls itself a part of another model."""
    return _DRAFT_WORDS.search(architecture) is not None


def takes(method: str, kind: str) -> bool:
    """Whether a method takes drafts of this kind."""
    return method in KINDS[kind].methods
