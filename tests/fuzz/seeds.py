"""Sound files of every format, from which the fuzzer starts: the ones that the unit tests build."""

from __future__ import annotations

import json

from tests.unit.lock import builders, formats, heads, same_ids

SOUND = builders.files()
_CONFIGS = {
    "config.json": json.dumps(builders.config()).encode(),
    "tokenizer_config.json": json.dumps(formats.CONFIG).encode(),
}
_HEAD = dict(heads.head(draft_vocab_size=4)) | {"model.safetensors": heads.tables([0, 2, 5, 15])}
FAMILIES: dict[str, dict[str, bytes]] = {
    "tokenizer-json": {"tokenizer.json": SOUND["tokenizer.json"]} | _CONFIGS,
    "unigram-json": formats.unigram_json(),
    "words": formats.as_words() | _CONFIGS | {"added_tokens.json": b'{"<|x|>": 6}'},
    "wordpiece": {"vocab.txt": b"[UNK]\nhug\n##s\n"} | _CONFIGS,
    "ranks": formats.as_ranks() | _CONFIGS,
    "tekken": formats.tekken(["<unk>", "<s>"], same_ids.BYTES),
    "gguf": formats.as_gguf(),
    "sentencepiece": {
        "tokenizer.model": same_ids.sentencepiece([*same_ids.PIECES, *same_ids.WORDS], 1)
    }
    | _CONFIGS,
    "configs": SOUND
    | {
        "generation_config.json": b'{"eos_token_id": [11]}',
        "special_tokens_map.json": b'{"bos_token": {"content": "a"}}',
        "chat_template.json": b'{"chat_template": "{{ x }}"}',
    },
    "head": _HEAD,
}
"""Files of a model by family."""

UNCHANGED = {family: frozenset(_CONFIGS) for family in FAMILIES if family != "configs"} | {
    "configs": frozenset({"tokenizer.json"}),
    "head": frozenset(),
}
"""Files that stay as they are, because another family changes them."""
