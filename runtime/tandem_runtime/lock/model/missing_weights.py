"""What a model declares and its files do not hold: the repository is torn, or was stripped."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from tandem_runtime.lock.model import kv_cache, model_config
from tandem_runtime.lock.model.gguf_model import candidates

_LAYER = re.compile(r"^(?:model\.)?(?:language_model\.)?(?:model\.)?layers\.(\d+)\.")
_OUTPUT = re.compile(r"(?:^|\.)(?:lm_head|output|embed_out)\.")


def format_of(names: Iterable[str]) -> str:
    """In which format the weights stand that a loader would take; `none` for no weights.

    As model_facts.WEIGHT_FORMATS. An adapter's file is no model's.
    """
    weight_files = [name for name in names if not name.startswith("adapter_model.")]
    if any(name.endswith(".safetensors") for name in weight_files):
        return "safetensors"
    if candidates(weight_files):
        return "gguf"
    return "pickle" if any(model_config.is_pickle(name) for name in weight_files) else "none"


def lost_output(config: Mapping[str, Any] | None, names: Collection[str]) -> str | None:
    """Why a whole ordinary model lacks what turns states into tokens; None where nothing is known.

    Judged only where every layer is there and config.json says itself that nothing is shared.
    """
    if config is None:
        return None
    values = kv_cache.of_text(config)
    layers = values.get("num_hidden_layers")
    present = {int(match[1]) for name in names if (match := _LAYER.match(name))}
    if type(layers) is not int or layers < 1 or not present.issuperset(range(layers)):
        return None
    tied = values.get("tie_word_embeddings")
    if tied is False and not any(_OUTPUT.search(name) for name in names):
        return "no lm_head, and tie_word_embeddings is false"
    return None
