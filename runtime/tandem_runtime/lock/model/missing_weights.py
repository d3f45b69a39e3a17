"""What a model declares and its files do not hold: the repository is torn, or was stripped."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from tandem_runtime.lock.model import kv_cache, model_config
from tandem_runtime.lock.model.gguf_model import candidates
from tandem_runtime.lock.model.weights import Tensor

_LAYER = re.compile(r"^(?:model\.)?(?:language_model\.)?(?:model\.)?layers\.(\d+)\.")
_TABLE = re.compile(
    r"(?:model\.|transformer\.)?(?:language_model\.)?(?:model\.)?"
    r"(?:embed_tokens|wte|word_embeddings|tok_embeddings)\.weight"
)
_LAYERS = "num_hidden_layers"
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


def torn(config: Mapping[str, Any] | None, tensors: Mapping[str, Tensor]) -> str | None:
    """What of an ordinary model's files contradicts its config.json; None where nothing is known.

    Judged by a table of embeddings that is as wide as the model, so that shapes are known and are
    the model's own. No loader takes a table of other rows, nor a model whose last layers are not
    there.
    """
    if config is None:
        return None
    values = kv_cache.of_text(config)
    shapes = [tensor.shape for name, tensor in tensors.items() if _TABLE.fullmatch(name)]
    hidden, rows, layers = (values.get(key) for key in ("hidden_size", "vocab_size", _LAYERS))
    if len(shapes) != 1 or len(shapes[0]) != 2 or shapes[0][1] != hidden:
        return None
    if type(rows) is int and shapes[0][0] != rows:
        return f"hold embeddings of {shapes[0][0]} rows, and vocab_size of config.json is {rows}"
    present = {int(match[1]) for name in tensors if (match := _LAYER.match(name))}
    first = present == set(range(len(present)))
    if type(layers) is int and 0 < len(present) < layers and first:
        return f"hold {len(present)} layers, and {_LAYERS} of config.json is {layers}"
    return None
