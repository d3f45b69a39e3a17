"""What a pair's files lead to: verdict, reason, and whether a policy lets it serve."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from tandem_runtime.contract.report import PairReport
from tandem_runtime.contract.request import Attestation, LockRequest, SourceRequest
from tandem_runtime.lock.files import folder
from tandem_runtime.lock.verdict import inspect as inspect_side
from tandem_runtime.lock.verdict import judge
from tandem_runtime.lock.verdict.judge import Seen
from tests.unit.lock import builders

Files = dict[str, bytes]


class Bench:
    """Judges models given as files."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._count = 0

    def seen(self, files: Files, uri: str = "hf://acme/chat", revision: str = "0a" * 20) -> Seen:
        self._count += 1
        path = builders.write(self._place / str(self._count), files)
        return Seen(inspect_side.at(folder.at(path)), uri, revision)

    def judge(self, target: Files, draft: Files | None, **asked: Any) -> PairReport:
        values: dict[str, Any] = {
            "method": "DraftModel",
            "policy": "SameVocabulary",
            "target": SourceRequest("hf://acme/chat", name="chat"),
            "draft": None if draft is None else SourceRequest("hf://acme/small"),
        }
        request = LockRequest(**(values | asked))
        drafted = None if draft is None else self.seen(draft, "hf://acme/small")
        return judge.judge(request, self.seen(target), drafted)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def verdict(report: PairReport) -> tuple[str, str]:
    return report.verdict, report.reason


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
    report = bench.judge(target, draft, policy=policy)
    assert verdict(report) == (expected, reason)
    assert report.allowed is (expected in ALLOWED_BY[policy])


def test_extra_ids_are_named(bench: Bench) -> None:
    report = bench.judge(builders.files(extra(2)), builders.files())
    assert [(each.id, each.target, each.draft) for each in report.first_differences] == [
        (13, "<x0>", None),
        (14, "<x1>", None),
    ]


def test_a_hole_that_the_draft_leaves_is_no_prefix(bench: Bench) -> None:
    holed = builders.tokenizer(added_tokens=[builders.added(12, "<|reserved_special_token_0|>")])
    assert verdict(bench.judge(builders.files(), builders.files(holed)))[1] == "IdsDiffer"


def test_an_ordinary_word_with_a_reserved_name_is_no_reserved_token(bench: Bench) -> None:
    def word(text: str) -> Files:
        document = builders.tokenizer()
        document["model"]["vocab"]["<|reserved_special_token_9|>"] = 13
        return builders.files(
            json.loads(json.dumps(document).replace("<|reserved_special_token_9|>", text))
        )

    report = bench.judge(word("<|reserved_special_token_9|>"), word("other"))
    assert verdict(report) == ("Incompatible", "IdsDiffer")


def test_the_digest_of_the_target_is_pinned(bench: Bench) -> None:
    pinned = bench.judge(builders.files(), builders.files()).target.tokenizer_digest
    assert bench.judge(builders.files(), builders.files(), digest=pinned).allowed
    other = "tokfp/v1:sha256:" + "0" * 64
    for policy in ALLOWED_BY:
        report = bench.judge(builders.files(), builders.files(), digest=other, policy=policy)
        assert report.reason == "DigestMismatch"
        assert not report.allowed


def test_remote_code_that_the_user_allows_is_judged(bench: Bench) -> None:
    _, target, draft = PAIRS["RemoteCode"]
    report = bench.judge(target, draft, allow_remote_code=True)
    assert verdict(report) == ("Compatible", "Equal")
    assert report.draft is not None
    assert report.draft.remote_code


@pytest.mark.parametrize("method", ["NGram", "Suffix", "LayerSkip"])
def test_without_a_draft_only_the_target_is_locked(bench: Bench, method: str) -> None:
    report = bench.judge(builders.files(), None, method=method)
    assert verdict(report) == ("Compatible", "NoDraft")
    assert report.target.tokenizer_digest is not None
    assert report.draft is None


def test_multi_token_prediction_needs_its_layers(bench: Bench) -> None:
    without_layers = bench.judge(builders.files(), None, method="MTP")
    assert not without_layers.allowed
    config = builders.config(num_nextn_predict_layers=1)
    stripped = bench.judge(builders.files(config__json=config), None, method="MTP")
    assert verdict(stripped) == ("Incompatible", "WeightsMissing")
    whole = builders.safetensors(**{"model.layers.2.eh_proj.weight": ("F16", [4, 2], bytes(16))})
    files = builders.files(config__json=config, model__safetensors=whole)
    assert bench.judge(files, None, method="MTP").allowed


def test_weights_and_cache_are_told_from_headers(bench: Bench) -> None:
    target = bench.judge(builders.files(), None, method="NGram").target
    assert (target.parameters, target.weight_bytes, target.dtype) == (8, 16, "F16")
    # Two of key and value, two layers, one head of four numbers, two bytes each.
    assert target.kv_bytes_per_token == 2 * 2 * 1 * 4 * 2


def test_experts_are_told(bench: Bench) -> None:
    config = builders.config(num_local_experts=8, num_experts_per_tok=2)
    target = bench.judge(builders.files(config__json=config), None, method="NGram").target
    assert target.mixture_of_experts is not None
    assert (target.mixture_of_experts.experts, target.mixture_of_experts.experts_per_token) == (
        8,
        2,
    )


def head(**changes: Any) -> Files:
    config = {
        "architectures": ["Eagle3Speculator"],
        "hidden_size": 8,
        "vocab_size": 16,
        "speculators_config": {"verifier": {"name_or_path": "acme/chat"}},
    }
    merged = {key: value for key, value in (config | changes).items() if value is not None}
    return {"config.json": json.dumps(merged).encode()}


HEAD = {"method": "Eagle3", "policy": "TargetDeclared"}


@pytest.mark.parametrize("name", ["acme/chat", "hf://acme/chat", "Acme/Chat", "chat"])
def test_a_head_that_declares_this_target(bench: Bench, name: str) -> None:
    declared = head(speculators_config={"verifier": {"name_or_path": name}})
    report = bench.judge(builders.files(), declared, **HEAD)
    assert verdict(report) == ("Compatible", "DeclaredTarget")
    assert report.allowed
    assert not report.attested


def test_a_head_of_another_target(bench: Bench) -> None:
    declared = head(speculators_config={"verifier": {"name_or_path": "acme/other"}})
    report = bench.judge(builders.files(), declared, **HEAD)
    assert verdict(report) == ("Incompatible", "DeclaredTargetDiffers")
    assert "acme/other" in report.message


def test_a_revision_counts_only_where_it_is_declared(bench: Bench) -> None:
    declared = head(
        speculators_config={"verifier": {"name_or_path": "acme/chat", "revision": "0b" * 20}}
    )
    assert verdict(bench.judge(builders.files(), declared, **HEAD))[1] == "DeclaredTargetDiffers"


def test_the_user_may_attest_what_a_head_does_not_declare(bench: Bench) -> None:
    silent = head(speculators_config=None)
    report = bench.judge(builders.files(), silent, **HEAD)
    assert verdict(report) == ("Unknown", "NoTokenizer")
    assert not report.allowed
    attested = Attestation("hf://acme/chat")
    report = bench.judge(builders.files(), silent, attested_target=attested, **HEAD)
    assert verdict(report) == ("Compatible", "DeclaredTarget")
    assert report.attested


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"hidden_size": 16}, "hidden size 16"),
        ({"vocab_size": 32}, "target vocabulary of 32"),
        ({"draft_vocab_size": 17}, "draft_vocab_size 17"),
        ({"draft_vocab_size": 0}, "draft_vocab_size"),
        ({"eagle_aux_hidden_state_layer_ids": [0, 3]}, "layer 3"),
    ],
)
def test_a_head_whose_dimensions_do_not_fit(
    bench: Bench, changes: dict[str, Any], expected: str
) -> None:
    report = bench.judge(builders.files(), head(**changes), **HEAD)
    assert verdict(report) == ("Incompatible", "DeclaredTargetDiffers")
    assert expected in report.message


def test_a_trimmed_draft_vocabulary_is_no_mismatch(bench: Bench) -> None:
    assert bench.judge(builders.files(), head(draft_vocab_size=4), **HEAD).allowed


def tables(ids: list[int], rows: int = 16) -> bytes:
    """The weights of a head whose draft ids are these ids of the target."""
    offsets = [target_id - index for index, target_id in enumerate(ids)]
    marks = bytes(index in ids for index in range(rows))
    return builders.safetensors(
        d2t=("I64", [len(ids)], struct.pack(f"<{len(ids)}q", *offsets)),
        t2d=("BOOL", [rows], marks),
    )


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (tables([0, 2, 5, 15]), None),
        (tables([0, 2, 5]), "d2t has 3 entries"),
        (tables([0, 2, 5, 16], rows=17), "outside"),
        (tables([0, 2, 2, 5]), "two draft ids"),
        (tables([0, 1, 2, 3], rows=20), "t2d has 20 entries"),
    ],
)
def test_the_tables_of_a_trimmed_vocabulary(
    bench: Bench, weights: bytes, expected: str | None
) -> None:
    trimmed = head(draft_vocab_size=4) | {"model.safetensors": weights}
    report = bench.judge(builders.files(), trimmed, **HEAD)
    assert report.allowed is (expected is None)
    assert expected is None or expected in report.message


def test_learned_ids_are_shown_before_names_that_were_added(bench: Bench) -> None:
    """A changed name at a low id says less of what a text becomes than a changed word."""

    def with_words(added: str, first: str, second: str) -> Files:
        document = builders.tokenizer()
        document["added_tokens"] = [builders.added(0, added), builders.added(11, "<|end|>")]
        vocabulary = {added: 0, "Ġ": 1, "a": 2, "b": 3, first: 4, second: 5, "ab": 6}
        document["model"] |= {"vocab": vocabulary, "merges": [["a", "b"]]}
        return builders.files(document)

    report = bench.judge(with_words("<s>", "c", "d"), with_words("<t>", "d", "c"))
    assert [each.id for each in report.first_differences] == [4, 5, 0]
