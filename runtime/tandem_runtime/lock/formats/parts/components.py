"""Normalizer, pre-tokenizer and model options of a tokenizer.json, in one canonical form.

The library writes defaults that older files leave out, nests single steps in sequences and keeps
settings that touch offsets only; none of that changes what is encoded.
"""

from __future__ import annotations

from typing import Any

from tandem_runtime.lock import errors as lock_errors

_DEFAULTS: dict[str, dict[str, Any]] = {
    "BPE": {
        "continuing_subword_prefix": "",
        "end_of_word_suffix": "",
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": False,
        "dropout": 0.0,
    },
    "WordPiece": {
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
    },
    "WordLevel": {},
    "Unigram": {"byte_fallback": False},
    "ByteLevel": {"add_prefix_space": True, "use_regex": True},
    "Split": {"invert": False},
    "Digits": {"individual_digits": False},
    "Punctuation": {"behavior": "Isolated"},
    "Metaspace": {"replacement": "▁", "prepend_scheme": "always", "split": True},
    "BertNormalizer": {
        "clean_text": True,
        "handle_chinese_chars": True,
        "lowercase": True,
    },
    "Strip": {"strip_left": True, "strip_right": True},
}
_WITHOUT_EFFECT = frozenset({"trim_offsets", "str_rep"})
_SEQUENCES = {"normalizers", "pretokenizers", "decoders", "processors"}


def steps(name: str, component: object) -> list[dict[str, Any]]:
    """The steps of a component in order, nested sequences opened; [] for null.

    Raises RefusedError for anything that is neither null nor an object; `name` is the file's.
    """
    if component is None:
        return []
    if not isinstance(component, dict):
        raise lock_errors.malformed(name, f"a component is a {type(component).__name__}")
    inner = next((component[key] for key in _SEQUENCES if key in component), None)
    if component.get("type") != "Sequence" or inner is None:
        return [component]
    if not isinstance(inner, list):
        raise lock_errors.malformed(name, "a sequence of components holds no list")
    return [step for each in inner for step in steps(name, each)]


def canonical_steps(name: str, component: object) -> list[dict[str, Any]]:
    """`steps` without nulls, defaults and settings without effect. Raises RefusedError."""
    return [canonical_options(step) for step in steps(name, component)]


def canonical_options(step: dict[str, Any]) -> dict[str, Any]:
    """One component's options without nulls, defaults and settings without effect."""
    kind = step.get("type")
    defaults = _DEFAULTS.get(kind, {}) if isinstance(kind, str) else {}
    options = {
        key: value
        for key, value in step.items()
        if value is not None and key not in _WITHOUT_EFFECT
    }
    if kind == "Metaspace" and "add_prefix_space" in options:
        # The name before the library's 0.15.
        prefixed = options.pop("add_prefix_space")
        options.setdefault("prepend_scheme", "always" if prefixed else "never")
    return {
        key: value
        for key, value in options.items()
        if key not in defaults or type(value) is not type(defaults[key]) or value != defaults[key]
    }
