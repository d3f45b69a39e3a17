"""Declarations of a head, and how the user's attestation answers them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tandem_runtime.contract.request import Attestation
from tandem_runtime.lock.draft import declaration
from tandem_runtime.lock.draft.declaration import Declaration, Target
from tandem_runtime.lock.files import folder
from tandem_runtime.lock.model import model_card
from tandem_runtime.lock.verdict.compare import Comparison

MODEL = "acme/chat"
COMMIT = "0a" * 20
MIRROR = Target(("pvc://models/chat",))


def evaluate(
    declares: str | None,
    target: Target,
    attested: str | None = None,
    *,
    declared_revision: str | None = None,
    attested_revision: str | None = None,
) -> Comparison:
    stated = None
    if declares is not None:
        stated = Declaration(declares, "base_model", declared_revision)
    attestation = None if attested is None else Attestation(attested, attested_revision)
    return declaration.evaluate(stated, target, attestation, advice=None)


def test_a_head_of_this_target() -> None:
    comparison = evaluate(MODEL, Target((f"hf://{MODEL}",)))
    assert (comparison.verdict, comparison.attested) == ("Compatible", False)


def test_a_mirror_of_what_the_head_declares_needs_the_users_word() -> None:
    comparison = evaluate(MODEL, MIRROR)
    assert comparison.verdict == "Incompatible"
    assert comparison.advice is not None
    assert "tokenizerLock.attestedTarget" in comparison.advice
    assert f"hf://{MODEL}" in comparison.advice


ANSWERS = {
    "the target is a copy of what the head declares": (MODEL, MIRROR, f"hf://{MODEL}"),
    "the head is for the target itself": (MODEL, Target(("hf://acme/chat-fp8",)), "acme/chat-fp8"),
    "a path of the machine that trained it": (
        "/scratch/checkpoints/7",
        Target((f"hf://{MODEL}",)),
        MODEL,
    ),
    "nothing declared": (None, Target((f"hf://{MODEL}",)), f"hf://{MODEL}/"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_attestation_answers(name: str) -> None:
    declares, target, attested = ANSWERS[name]
    assert evaluate(declares, target).verdict != "Compatible"
    comparison = evaluate(declares, target, attested)
    assert (comparison.verdict, comparison.reason, comparison.attested) == (
        "Compatible",
        "DeclaredTarget",
        True,
    )


def test_an_attestation_of_a_third_model_answers_nothing() -> None:
    comparison = evaluate(MODEL, Target(("hf://acme/other",)), "hf://acme/third")
    assert (comparison.verdict, comparison.attested) == ("Incompatible", False)
    assert "acme/third" in comparison.message


def test_an_attestation_beside_a_true_declaration_is_not_what_it_rests_on() -> None:
    assert not evaluate(MODEL, Target((MODEL,)), "hf://acme/third").attested


def test_what_the_target_was_made_from_counts_and_is_shown() -> None:
    comparison = evaluate(MODEL, Target(("hf://acme/chat-fp8",), (MODEL,)))
    assert comparison.verdict == "Compatible"
    assert "which the target names as its base" in comparison.message


@pytest.mark.parametrize(
    ("named", "fits"), [(COMMIT, True), ("main", True), ("0b" * 20, False), (None, True)]
)
def test_a_revision_counts_where_it_is_named(named: str | None, fits: bool) -> None:
    target = Target((MODEL,), revisions=(COMMIT, "main"))
    assert (evaluate(MODEL, target, declared_revision=named).verdict == "Compatible") is fits
    attested = evaluate(None, target, MODEL, attested_revision=named)
    assert (attested.verdict == "Compatible") is fits


CARDS = {
    "one": ("---\nbase_model: acme/chat\n---\n# Title\n", ("acme/chat",)),
    "a list": (
        "---\nlicense: mit\nbase_model:\n- acme/chat\n- acme/b\n---",
        ("acme/chat", "acme/b"),
    ),
    "none": ("---\nlicense: mit\n---\n", ()),
    "no front matter": ("# Title\nbase_model: acme/chat\n", ()),
    "never closed": ("---\nbase_model: acme/chat\n", ()),
    "no YAML": ("---\nbase_model: [acme\n---\n", ()),
    "an object": ("---\nbase_model: {a: b}\n---\n", ()),
    "code": ("---\nbase_model: !!python/object/apply:os.system ['true']\n---\n", ()),
    "a list of it all": ("---\n- base_model\n---\n", ()),
    "empty": ("", ()),
}


@pytest.mark.parametrize("name", CARDS)
def test_a_model_card_names_its_base(tmp_path: Path, name: str) -> None:
    text, expected = CARDS[name]
    (tmp_path / "README.md").write_text(text)
    assert model_card.bases(folder.at(tmp_path)) == expected


def test_without_a_card_no_base_is_named(tmp_path: Path) -> None:
    assert model_card.bases(folder.at(tmp_path)) == ()


def test_the_card_of_a_head_declares_where_its_configuration_does_not() -> None:
    config = {"base_model_name_or_path": "acme/chat"}
    named = declaration.of_head(config, ("acme/other",))
    assert named is not None
    assert named.name == "acme/chat"
    by_card = declaration.of_head({}, ("acme/other",))
    assert by_card is not None
    assert (by_card.name, by_card.where) == ("acme/other", "base_model of its model card")
    assert declaration.of_head({}, ()) is None


SPELLINGS = {
    "the hub's scheme": "hf://Acme/Chat",
    "the address of its page": "https://huggingface.co/acme/chat",
    "its short address": "http://hf.co/acme/chat/",
    "a path into a hub's cache": "/root/.cache/huggingface/hub/models--acme--chat/snapshots/0a",
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_one_model_by_another_spelling_of_its_name(name: str) -> None:
    assert evaluate(SPELLINGS[name], Target((f"hf://{MODEL}",))).verdict == "Compatible"
    assert evaluate(MODEL, Target((SPELLINGS[name],))).verdict == "Compatible"
    assert evaluate(SPELLINGS[name], Target(("hf://acme/code",))).verdict == "Incompatible"


@pytest.mark.parametrize(
    ("bases", "fits"),
    [(("acme/base", MODEL), True), ((MODEL, "acme/base"), True), (("acme/base", "a/b"), False)],
)
def test_any_of_the_bases_that_a_card_lists(bases: tuple[str, ...], fits: bool) -> None:
    stated = declaration.of_head({}, bases)
    for target, attested in ((f"hf://{MODEL}", None), ("pvc://m/chat", Attestation(MODEL))):
        grade = declaration.evaluate(stated, Target((target,)), attested, advice=None)
        assert (grade.verdict == "Compatible") is fits
