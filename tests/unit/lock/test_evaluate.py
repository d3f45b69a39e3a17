"""What a pair's files lead to: verdict, reason, and whether a policy lets it serve."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.lock import builders
from tests.unit.lock.bench import Bench, Files, verdict


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def without(*names: str, **changes: Any) -> Files:
    return {
        name: content for name, content in builders.files(**changes).items() if name not in names
    }


def extra(count: int) -> dict[str, Any]:
    """The builders' tokenizer with more tokens behind its last."""
    document = builders.tokenizer()
    document["added_tokens"] += [builders.added(13 + each, f"<x{each}>") for each in range(count)]
    return document


PAIRS = {
    "Equal": ("Compatible", builders.files(), builders.files()),
    "PaddedVocab": (
        "Compatible",
        builders.files(),
        builders.files(config__json=builders.config(vocab_size=32)),
    ),
    "TemplateDiffers": (
        "Compatible",
        builders.files(chat_template__jinja=b"one"),
        builders.files(chat_template__jinja=b"two"),
    ),
    "SpecialsDiffer": (
        "Warn",
        builders.files(),
        builders.files(generation_config__json={"eos_token_id": [11, 12]}),
    ),
    "MergesDiffer": (
        "Warn",
        builders.files(),
        builders.files(
            builders.tokenizer(
                model={**builders.tokenizer()["model"], "merges": builders.MERGES[:-1]}
            )
        ),
    ),
    "EncoderDiffers": (
        "Warn",
        builders.files(),
        builders.files(builders.tokenizer(normalizer={"type": "NFC"})),
    ),
    "VocabSizeTooSmall": (
        "Warn",
        builders.files(config__json=builders.config(vocab_size=12)),
        builders.files(config__json=builders.config(vocab_size=12)),
    ),
    "PickleWeights": (
        "Warn",
        builders.files(),
        without("model.safetensors", pytorch_model__bin=b"\x80\x04"),
    ),
    "ReservedRenamed": (
        "Warn",
        builders.files(),
        builders.files(
            builders.tokenizer(
                added_tokens=[builders.added(11, "<|end|>"), builders.added(12, "<|image|>")]
            )
        ),
    ),
    "TargetExtra": ("PrefixCompatible", builders.files(extra(2)), builders.files()),
    "DraftLarger": ("Incompatible", builders.files(), builders.files(extra(2))),
    "RemoteCode": (
        "Refused",
        builders.files(),
        builders.files(config__json=builders.config(auto_map={"AutoModel": "m.M"})),
    ),
    "Malformed": ("Refused", builders.files(), builders.files(tokenizer__json=b"{")),
    "NoTokenizer": ("Unknown", builders.files(), without("tokenizer.json")),
}
ALLOWED_BY = {
    "Exact": {"Compatible"},
    "SameVocabulary": {"Compatible", "Warn"},
    "VocabPrefix": {"Compatible", "Warn", "PrefixCompatible"},
    "TargetDeclared": {"Compatible", "Warn"},
    "Skip": {"Compatible", "Warn", "PrefixCompatible", "Incompatible", "Unknown"},
}


@pytest.mark.parametrize("policy", ALLOWED_BY)
@pytest.mark.parametrize("reason", PAIRS)
def test_the_policy_changes_what_is_allowed_and_never_the_verdict(
    bench: Bench, reason: str, policy: str
) -> None:
    expected, target, draft = PAIRS[reason]
    report = bench.evaluate(target, draft, policy=policy)
    assert verdict(report) == (expected, reason)
    assert report.allowed is (expected in ALLOWED_BY[policy])


def test_extra_ids_are_named(bench: Bench) -> None:
    report = bench.evaluate(builders.files(extra(2)), builders.files())
    assert [(each.id, each.target, each.draft) for each in report.first_differences] == [
        (13, "<x0>", None),
        (14, "<x1>", None),
    ]


def test_a_hole_that_the_draft_leaves_is_no_prefix(bench: Bench) -> None:
    holed = builders.tokenizer(added_tokens=[builders.added(12, "<|reserved_special_token_0|>")])
    assert verdict(bench.evaluate(builders.files(), builders.files(holed)))[1] == "IdsDiffer"


def test_an_ordinary_word_with_a_reserved_name_is_no_reserved_token(bench: Bench) -> None:
    def word(text: str) -> Files:
        document = builders.tokenizer()
        document["model"]["vocab"]["<|reserved_special_token_9|>"] = 13
        return builders.files(
            json.loads(json.dumps(document).replace("<|reserved_special_token_9|>", text))
        )

    report = bench.evaluate(word("<|reserved_special_token_9|>"), word("other"))
    assert verdict(report) == ("Incompatible", "IdsDiffer")


def test_the_digest_of_the_target_is_pinned(bench: Bench) -> None:
    pinned = bench.evaluate(builders.files(), builders.files()).target.tokenizer_digest
    assert bench.evaluate(builders.files(), builders.files(), digest=pinned).allowed
    other = "tokfp/v1:sha256:" + "0" * 64
    for policy in ALLOWED_BY:
        report = bench.evaluate(builders.files(), builders.files(), digest=other, policy=policy)
        assert report.reason == "DigestMismatch"
        assert not report.allowed


def test_remote_code_that_the_user_allows_is_judged(bench: Bench) -> None:
    _, target, draft = PAIRS["RemoteCode"]
    report = bench.evaluate(target, draft, allow_remote_code=True)
    assert verdict(report) == ("Compatible", "Equal")
    assert report.draft is not None
    assert report.draft.remote_code


@pytest.mark.parametrize("method", ["NGram", "Suffix", "LayerSkip"])
def test_without_a_draft_only_the_target_is_locked(bench: Bench, method: str) -> None:
    report = bench.evaluate(builders.files(), None, method=method)
    assert verdict(report) == ("Compatible", "NoDraft")
    assert report.target.tokenizer_digest is not None
    assert report.draft is None


def test_multi_token_prediction_needs_its_layers(bench: Bench) -> None:
    without_layers = bench.evaluate(builders.files(), None, method="MTP")
    assert not without_layers.allowed
    config = builders.config(num_nextn_predict_layers=1)
    stripped = bench.evaluate(builders.files(config__json=config), None, method="MTP")
    assert verdict(stripped) == ("Incompatible", "WeightsMissing")
    whole = builders.safetensors(**{"model.layers.2.eh_proj.weight": ("F16", [4, 2], bytes(16))})
    files = builders.files(config__json=config, model__safetensors=whole)
    assert bench.evaluate(files, None, method="MTP").allowed


def test_weights_and_cache_are_told_from_headers(bench: Bench) -> None:
    target = bench.evaluate(builders.files(), None, method="NGram").target
    assert (target.parameters, target.weight_bytes, target.dtype) == (8, 16, "F16")
    # Two of key and value, two layers, one head of four numbers, two bytes each.
    assert target.kv_bytes_per_token == 2 * 2 * 1 * 4 * 2


def test_experts_are_told(bench: Bench) -> None:
    config = builders.config(num_local_experts=8, num_experts_per_tok=2)
    target = bench.evaluate(builders.files(config__json=config), None, method="NGram").target
    assert target.mixture_of_experts is not None
    assert (target.mixture_of_experts.experts, target.mixture_of_experts.experts_per_token) == (
        8,
        2,
    )


def test_learned_ids_are_shown_before_names_that_were_added(bench: Bench) -> None:
    """A changed name at a low id says less of what a text becomes than a changed word."""

    def with_words(added: str, first: str, second: str) -> Files:
        document = builders.tokenizer()
        document["added_tokens"] = [builders.added(0, added), builders.added(11, "<|end|>")]
        vocabulary = {added: 0, "Ġ": 1, "a": 2, "b": 3, first: 4, second: 5, "ab": 6}
        document["model"] |= {"vocab": vocabulary, "merges": [["a", "b"]]}
        return builders.files(document)

    report = bench.evaluate(with_words("<s>", "c", "d"), with_words("<t>", "d", "c"))
    assert [each.id for each in report.first_differences] == [4, 5, 0]
