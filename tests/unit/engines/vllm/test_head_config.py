"""What vLLM reads of a head's config.json by name: each key that is missing is told, none more."""

from __future__ import annotations

import pytest

from tandem_operator.engines.vllm.facts import head_classes, head_keys
from tandem_operator.engines.vllm.facts.head_keys import Need
from tandem_runtime.contract import head_keys as contract
from tests.unit.engines.vllm.pairs import DFLASH, DSPARK, EAGLE_3, Object, also, validate

FORMATS: dict[str, tuple[Object, Object]] = {
    # name: (changes of the spec, the head)
    "speculators eagle3": (EAGLE_3, {"kind": "Eagle3", "speculators": "eagle3"}),
    "speculators peagle": (EAGLE_3, {"kind": "PEagle", "speculators": "peagle"}),
    "speculators dflash": (DFLASH, {"kind": "DFlash", "speculators": "dflash"}),
    "speculators dflash2": (DFLASH, {"kind": "DFlash", "speculators": "dflash2"}),
    "speculators dspark": (DSPARK, {"kind": "DSpark", "speculators": "dspark"}),
    "DFlashDraftModel": (DFLASH, {"kind": "DFlash", "architecture": "DFlashDraftModel"}),
    "DFlash2DraftModel": (DFLASH, {"kind": "DFlash", "architecture": "DFlash2DraftModel"}),
    "LiLiCorrDraftModel": (DFLASH, {"kind": "DFlash", "architecture": "LiLiCorrDraftModel"}),
    "Qwen3DSparkModel": (DSPARK, {"kind": "DSpark", "architecture": "Qwen3DSparkModel"}),
    "Gemma4DSparkModel": (DSPARK, {"kind": "DSpark", "architecture": "Gemma4DSparkModel"}),
    "K3DSparkModel": (DSPARK, {"kind": "DSpark", "architecture": "K3DSparkModel"}),
}


def needs(name: str) -> tuple[Need, ...]:
    if name.startswith("speculators "):
        return head_keys.OF_SPECULATORS[name.removeprefix("speculators ")]
    return head_keys.OF_CLASS[name]


CASES = [(name, need) for name in FORMATS for need in needs(name)]


@pytest.mark.parametrize("name", FORMATS)
def test_a_head_with_all_of_them_starts(name: str) -> None:
    changes, head = FORMATS[name]
    for index in (0, -1):  # any of the names of one need is enough
        keys = tuple(need[index] for need in needs(name))
        validation = validate(changes, {}, also(head, {"head_keys": keys}))
        assert validation.allowed, validation.reasons


@pytest.mark.parametrize(("name", "need"), CASES, ids=str)
def test_a_head_without_one_of_them_is_refused_by_its_name(name: str, need: Need) -> None:
    changes, head = FORMATS[name]
    keys = tuple(each[0] for each in needs(name) if each != need)
    validation = validate(changes, {}, also(head, {"head_keys": keys}))
    (refusal,) = validation.refusals
    assert refusal.field == "spec.draft.uri"
    assert f"has no {need[0]}" in refusal.message
    assert refusal.remedy


@pytest.mark.parametrize("name", FORMATS)
def test_a_report_that_tells_no_keys_holds_nothing_against_a_head(name: str) -> None:
    changes, head = FORMATS[name]
    assert validate(changes, {}, head).allowed


def test_the_lock_tells_every_key_that_is_asked_for() -> None:
    asked = {
        key
        for table in (head_keys.OF_SPECULATORS, head_keys.OF_CLASS)
        for all_needs in table.values()
        for need in all_needs
        for key in need
    }
    told = {*contract.NAMES, *(f"{o}.{name}" for o in contract.NESTED for name in contract.NAMES)}
    assert asked | set(head_keys.ANCHORED) <= told


def test_every_listed_class_is_one_that_vllm_has() -> None:
    known = head_classes.REGISTERED | head_classes.REGISTERED_DFLASH | head_classes.DSPARK
    assert set(head_keys.OF_CLASS) - {head_keys.IN_TARGET} <= known


def test_speculators_without_their_type_are_told_so() -> None:
    head = {"kind": "Eagle3", "architecture": "X", "head_keys": ("speculators_config",)}
    (refusal,) = validate(EAGLE_3, {}, head).refusals
    assert refusal.message.startswith(
        "config.json of the draft has no speculators_model_type, no transformer_layer_config"
    )


def test_a_dflash_head_that_samples_from_its_anchor_is_refused() -> None:
    keys = tuple(need[0] for need in head_keys.OF_CLASS["DFlashDraftModel"])
    head = {"kind": "DFlash", "architecture": "DFlashDraftModel"}
    anchored = also(head, {"head_keys": (*keys, "dflash_config.sample_from_anchor")})
    assert not validate(DFLASH, {}, anchored).allowed


DSPARK_ALONE = {"speculation.method": "DSpark"}
STAGES = ("dspark_markov_rank", "dspark_noise_token_id", "dspark_target_layer_ids")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({}, None),
        ({"model_type": "deepseek_v4"}, None),
        ({"model_type": "deepseek_v4", "head_keys": STAGES}, None),
        ({"model_type": "deepseek_v4", "head_keys": ()}, "no dspark_target_layer_ids"),
        ({"model_type": "qwen3", "head_keys": ()}, "no DSpark stages from a target of type qwen3"),
    ],
)
def test_dspark_without_a_draft_stands_in_its_target(target: Object, expected: str | None) -> None:
    messages = [each.message for each in validate(DSPARK_ALONE, target).refusals]
    assert (messages == []) if expected is None else expected in messages[0]


def test_null_empty_and_false_are_no_values() -> None:
    config = {
        "mask_token_id": 0,
        "target_layer_ids": [],
        "sample_from_anchor": False,
        "dflash_config": {"mask_token_id": None, "target_layer_ids": [1]},
        "eagle_config": None,
        "hidden_size": 8,
    }
    assert contract.present(config) == ("dflash_config.target_layer_ids", "mask_token_id")
