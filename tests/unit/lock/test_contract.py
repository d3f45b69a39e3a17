"""The three documents that operator and lock exchange survive any content."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_runtime.contract import pod_lock, report, request
from tandem_runtime.contract.fields import ContractError
from tandem_runtime.contract.model_facts import UNKNOWN, ModelFacts

DIGEST = "sha256:" + "0a" * 32
texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=400)
FACTS = ModelFacts(
    kind="Model",
    model_type="qwen3_next",
    text_type="qwen3_next",
    speculators="eagle3",
    context_length=262_144,
    mtp_layers=1,
    mtp_layers_in_files=1,
    medusa_heads=5,
    attention_heads=16,
    kv_heads=8,
    intermediate_size=12_288,
    quantization="compressed-tensors",
    hybrid=True,
    weights="safetensors",
    activation="silu",
    rope_type="yarn",
    rotary_share=0.25,
    sliding_window=4096,
    kv_values_per_token=65_536,
    head_keys=("dflash_config.mask_token_id", "markov_rank"),
    generation_defaults={"min_p": 0.05, "temperature": 0.7},
)
counts = st.integers(min_value=0, max_value=2**53)


def side(uri: str = "hf://acme/target") -> report.SideReport:
    return report.SideReport(
        uri=uri,
        revision="0a" * 20,
        immutable=True,
        tokenizer_digest="tokfp/v1:" + DIGEST,
        vocab_hash=DIGEST,
        specials_hash=DIGEST,
        encoder_hash=DIGEST,
        template_hash=DIGEST,
        vocab_size=151_936,
        config_vocab_size=152_064,
        architecture="LlamaForCausalLM",
        parameters=7_000_000,
        weight_bytes=14_000_000,
        dtype="F16",
        kv_bytes_per_token=4096,
        mixture_of_experts=report.MixtureOfExperts(8, 2),
        files_digest=DIGEST,
        facts=FACTS,
    )


def verdict(**changes: object) -> report.PairReport:
    values: dict[str, object] = {
        "verdict": "Incompatible",
        "reason": "IdsDiffer",
        "allowed": False,
        "message": "2 ids differ",
        "target": side(),
        "draft": side("hf://acme/draft"),
    }
    return report.PairReport(**{**values, **changes})  # type: ignore[arg-type]


def test_a_report_that_fits_survives_whole() -> None:
    whole = verdict(first_differences=(report.Difference(6001, "foo", None),), advice="none")
    assert report.parse(report.render(whole)) == whole


def test_a_report_keeps_its_whole_message_if_only_the_differences_do_not_fit() -> None:
    empty = len(report.render(verdict(message="")))
    exact = verdict(message="m" * (report.MAX_BYTES - empty))
    differing = tuple(report.Difference(each, "foo", "bar") for each in range(8))

    rendered = report.render(verdict(message=exact.message, first_differences=differing))
    assert len(rendered) == report.MAX_BYTES
    assert report.parse(rendered) == exact
    assert report.render(exact) == rendered


def test_a_report_has_at_most_4000_bytes_as_kubernetes_keeps_4096() -> None:
    assert report.MAX_BYTES == 4_000
    assert len(report.render(verdict(message="m" * 9_000))) <= 4_000


def test_what_a_side_does_not_say_is_unknown_and_never_dangerous() -> None:
    bare = report.SideReport(uri="hf://acme/target")
    assert not (bare.remote_code or bare.pickle or bare.immutable)
    assert bare.facts == UNKNOWN


@pytest.mark.parametrize(
    ("text", "expected"), [('{"hash": "ab"}', "ab"), ("{}", ""), ("[1]", ""), ("", ""), (None, "")]
)
def test_the_hash_of_a_pods_lock_is_empty_where_there_is_none(
    text: str | None, expected: str
) -> None:
    assert pod_lock.hash_of(text) == expected


def test_a_report_of_an_earlier_form_is_read_with_nothing_known_of_its_models() -> None:
    document = report.to_document(verdict())
    for name in ("target", "draft"):
        del document[name]["facts"]
    read = report.from_document(document)
    assert isinstance(read, report.PairReport)
    assert read.target == replace(side(), facts=UNKNOWN)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ([], "facts"),
        ({"kind": 3}, "kind"),
        ({"contextLength": -1}, "contextLength"),
        ({"hybrid": "yes"}, "hybrid"),
        ({"rotaryShare": "half"}, "rotaryShare"),
        ({"generationDefaults": {"min_p": "0.1"}}, "generationDefaults.min_p"),
    ],
)
def test_facts_of_another_form_are_refused_by_name(facts: object, message: str) -> None:
    document = report.to_document(verdict())
    document["target"]["facts"] = facts
    with pytest.raises(ContractError, match=message):
        report.from_document(document)


def test_a_failure_is_told_apart_from_a_verdict() -> None:
    failure = report.LockFailure("AccessDenied", "draft", "401 from the hub")
    assert report.parse(report.render(failure)) == failure


def test_long_texts_are_cut_before_a_difference_is_given_up() -> None:
    differences = tuple(report.Difference(n, "x" * 300, "y" * 300) for n in range(8))
    kept = report.parse(report.render(verdict(first_differences=differences)))
    assert isinstance(kept, report.PairReport)
    assert [each.id for each in kept.first_differences] == list(range(8))
    assert all(len((each.target or "").encode()) <= 32 for each in kept.first_differences)


@given(
    differences=st.lists(
        st.builds(report.Difference, counts, st.none() | texts, st.none() | texts), max_size=20
    ),
    message=texts,
    advice=st.none() | texts,
    uri=texts,
    architecture=st.none() | texts,
)
def test_any_report_is_json_of_at_most_4000_bytes(
    differences: list[report.Difference],
    message: str,
    advice: str | None,
    uri: str,
    architecture: str | None,
) -> None:
    hostile = report.SideReport(uri=uri, revision=uri, architecture=architecture, dtype=uri)
    rendered = report.render(
        verdict(
            first_differences=tuple(differences),
            message=message,
            advice=advice,
            target=hostile,
            draft=hostile,
        )
    )
    assert len(rendered.encode()) <= 4_000
    read = report.parse(rendered)
    assert isinstance(read, report.PairReport)
    assert (read.verdict, read.reason, read.allowed) == ("Incompatible", "IdsDiffer", False)


def test_the_most_hostile_texts_still_fit() -> None:
    hostile = side("\0" * 9_000)
    rendered = report.render(
        verdict(
            message="\0" * 9_000,
            advice="\0" * 9_000,
            target=replace(hostile, architecture="\0" * 9_000, dtype="\0" * 9_000),
            draft=replace(hostile, architecture="\0" * 9_000, revision="\0" * 9_000),
        )
    )
    assert len(rendered) <= 4_000
    assert isinstance(report.parse(rendered), report.PairReport)


@given(message=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=9_000))
def test_any_failure_is_json_of_at_most_4000_bytes(message: str) -> None:
    rendered = report.render(report.LockFailure("LockFailed", None, message))
    assert len(rendered.encode()) <= 4_000
    assert json.loads(rendered)["error"]["reason"] == "LockFailed"


def test_a_request_survives() -> None:
    whole = request.LockRequest(
        method="Eagle3",
        policy="TargetDeclared",
        digest="tokfp/v1:" + DIGEST,
        target=request.SourceRequest("hf://acme/chat", "main", name="chat"),
        draft=request.SourceRequest(
            "pvc://claim/head",
            path="/sources/draft",
            tokenizer=request.SourceRequest("hf://acme/tok"),
        ),
        attested_target=request.Attestation("hf://acme/chat", "abc"),
    )
    assert request.parse(request.render(whole)) == whole


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[]", "lock request"),
        ("{", "not JSON"),
        ('{"method": "Magic", "policy": "Exact"}', "method"),
        ('{"method": "NGram", "policy": "Exact", "target": {"uri": 3}}', "uri"),
    ],
)
def test_a_bad_request_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(ContractError, match=named):
        request.parse(text)


def test_a_pod_lock_survives_and_its_hash_is_of_its_content() -> None:
    target = pod_lock.LockedSide("hf://acme/chat", "0a" * 20, DIGEST, "tokfp/v1:" + DIGEST)
    lock = pod_lock.hashed(pod_lock.PodLock("NGram", target))
    assert pod_lock.parse(pod_lock.render(lock)) == lock
    assert pod_lock.hashed(lock) == lock
    other = pod_lock.PodLock("NGram", pod_lock.LockedSide("hf://acme/chat", "0b" * 20, DIGEST))
    assert pod_lock.hashed(other).hash != lock.hash


def test_the_plugin_is_no_part_of_what_a_lock_is_named_by() -> None:
    target = pod_lock.LockedSide("hf://acme/chat", "0a" * 20, DIGEST)
    lock = pod_lock.hashed(pod_lock.PodLock("NGram", target))
    bare = replace(lock, plugin=pod_lock.NO_PLUGIN)

    assert pod_lock.hashed(bare) == bare
    assert pod_lock.parse(pod_lock.render(bare)) == bare
    assert "plugin" not in pod_lock.to_document(lock), "as locks of earlier releases are written"


def test_the_files_digest_covers_names_and_contents_and_not_their_order() -> None:
    one = pod_lock.files_digest({"a": "11", "b": "22"})
    assert one == pod_lock.files_digest({"b": "sha256:22", "a": "sha256:11"})
    assert len({one, pod_lock.files_digest({"a": "22", "b": "11"})}) == 2
