"""`tandem plan` answers as the API server does: by the CRD's own schema and its own CEL rules."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tandem_operator.api.crd import definition
from tandem_operator.api.fields import RULES
from tandem_operator.cli.admission import answer, rules, schema
from tandem_operator.engines.interface.installation import Installation
from tandem_operator.planning import preview
from tests.cluster.bad_manifests.case import GOOD, REMOVED, Bad
from tests.cluster.bad_manifests.schema import REFUSED_BY_SCHEMA
from tests.cluster.bad_manifests.stalled import STALLED
from tests.cluster.generated_manifests import manifests

Object = dict[str, Any]

CEL_WORDS = re.compile(
    "true|false|null|in|as|break|const|continue|else|for|function|if|import|let|loop|package|"
    "namespace|return|var|void|while"
)
"""Names that Kubernetes writes otherwise in rules (`__in__`)."""


def faults_of(manifest: Object) -> list[str]:
    return list(answer.to(manifest).faults)


def refused_texts(changes: Object, **top: Any) -> list[str]:
    """What is said of the good manifest with some changes."""
    return faults_of({**Bad("", changes, "", "", "").manifest(), **top})


def nodes(node: Object) -> Iterator[Object]:
    yield node
    for inner in node.get("properties", {}).values():
        yield from nodes(inner)
    if "items" in node:
        yield from nodes(node["items"])


INSTALLATION = Installation(runtime_image="runtime")
ROOT = definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
ALL_RULES = [rule for node in nodes(ROOT) for rule in node.get(RULES, ())]


def title(case: Bad) -> str:
    return case.title


@pytest.mark.parametrize("case", REFUSED_BY_SCHEMA, ids=title)
def test_what_the_api_server_refuses_is_refused_where_it_is_wrong(case: Bad) -> None:
    answers = faults_of(case.manifest())

    assert any(answer.startswith(case.field) for answer in answers), answers


@pytest.mark.parametrize("case", STALLED, ids=title)
def test_what_the_api_server_stores_is_not_refused_here(case: Bad) -> None:
    assert faults_of(case.manifest()) == []


@pytest.mark.parametrize("case", STALLED, ids=title)
def test_what_is_stored_and_stalled_is_told_in_the_words_of_the_condition(case: Bad) -> None:
    stored = answer.to(case.manifest()).stored
    seen = preview.of(preview.resource_of(stored, "default"), INSTALLATION)

    messages = [str(error) for error in seen.refusals if error.reason.value == case.reason]
    assert any(
        all(words in each for words in (case.field, case.value, case.remedy)) for each in messages
    ), messages


def test_a_good_manifest_has_no_faults() -> None:
    assert refused_texts({}) == []


def test_every_rule_of_the_crd_can_be_evaluated() -> None:
    assert len(ALL_RULES) > 20
    for rule in ALL_RULES:
        rules.compiled(rule["rule"])
        rules.compiled(rule.get("messageExpression", "''"))


def test_rules_name_fields_as_they_are_written() -> None:
    named = [name for node in nodes(ROOT) for name in node.get("properties", {})]

    assert not [
        name for name in named if CEL_WORDS.fullmatch(name) or not re.fullmatch(r"\w+", name)
    ]


def test_no_pattern_is_left_that_would_be_answered_as_a_regular_expression() -> None:
    spec = ROOT["properties"]["spec"]

    assert [node for node in nodes(spec) if "pattern" in node] == []


def test_a_number_beyond_64_bits_is_told_by_its_range_alone() -> None:
    assert refused_texts({"replicas": 10**30}) == [
        f"spec.replicas: {10**30} is out of range: give 0 to 1000"
    ]


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        (
            {"speculation.maxTokens": "5"},
            'spec.speculation.maxTokens: "5" is text: write 5 without quotes',
        ),
        (
            {"speculation.maxTokens": "seven"},
            'spec.speculation.maxTokens: "seven" is text: write a whole number',
        ),
        (
            {"speculation.maxTokens": 2.5},
            "spec.speculation.maxTokens: 2.5 is a number: write a whole number",
        ),
        (
            {"speculation.maxTokens": True},
            "spec.speculation.maxTokens: true is true or false: write a whole number",
        ),
        (
            {"speculation.maxTokens": 33},
            "spec.speculation.maxTokens: 33 is out of range: give 1 to 32",
        ),
        (
            {"speculation.method": "Draftmodel"},
            'spec.speculation.method: "Draftmodel" is none of DraftModel, Eagle, Eagle3, MTP, '
            "NGram, Suffix, Medusa, LayerSkip, DFlash, DSpark: did you mean DraftModel?",
        ),
        (
            {"paused": "true"},
            'spec.paused: "true" is text: write true or false',
        ),
        (
            {"target": {"uri": "hf://org/target", "revision": 7}},
            'spec.target.revision: 7 is a whole number: put it in quotes, "7"',
        ),
        (
            {"target": {"uri": "org/target"}},
            "spec.target.uri: org/target is no model source: use hf://org/name, pvc://claim/path, "
            "oci://reference or s3://bucket/path; did you mean hf://org/target?",
        ),
        (
            {"engine.args": "--enforce-eager"},
            'spec.engine.args: "--enforce-eager" is text: write a list',
        ),
        (
            {"engine.args": [None]},
            "spec.engine.args[0]: null is null: write text",
        ),
        ({"engine.args": ["x"] * 129}, "spec.engine.args has 129 entries: 128 at most"),
        (
            {"rollout.maxSurge": "25"},
            "spec.rollout.maxSurge: 25 is neither a number nor a percentage: use 0 to 1000 without "
            "quotes, or 0% to 100%",
        ),
        ({"tokenizerLock": 5}, "spec.tokenizerLock: 5 is a whole number: write a map of fields"),
        (
            {"tuning.segments": [{"name": "a", "maxTokens": 1}, {"name": "a", "maxTokens": 2}]},
            "spec.tuning.segments[1]: name a stands twice: keep one entry",
        ),
        ({"engine.image": ""}, "spec.engine.image is empty: give it a value or remove it"),
        ({"target": None}, "spec.target is required and missing"),
    ],
)
def test_the_answer_is_a_sentence_with_place_value_and_remedy(changes: Object, answer: str) -> None:
    assert answer in refused_texts(changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"speculation.maxTokens": None},
        {"tuning": None},
        {"speculation.initialTokens": None},
        {"rollout": {"maxUnavailable": 0, "maxSurge": 1}},
        {"rollout": {"maxUnavailable": "25%"}},
        {"template": {"spec": {"whatever": None}}},
        {"speculation.engineConfig": {"anything": {"deep": [1, 2]}}},
        {"speculation": {"method": "DraftModel", "initialTokens": 5}},
    ],
)
def test_nulls_defaults_and_free_fields_are_as_the_api_server_has_them(changes: Object) -> None:
    assert refused_texts(changes) == []


def test_a_default_counts_in_a_rule() -> None:
    (answer,) = refused_texts({"speculation": {"method": "DraftModel", "initialTokens": 6}})

    assert "initialTokens 6 is above maxTokens 5" in answer


def test_a_line_break_at_the_end_breaks_a_pattern() -> None:
    assert refused_texts({"target.servedName": "chat\n"}) != []


@pytest.mark.parametrize(
    ("metadata", "answer"),
    [
        ({}, "metadata.name is required and missing"),
        ({"name": "Chat_1"}, "metadata.name Chat_1 must start with a letter"),
        ({"name": "a" * 41}, "is longer than 40 characters"),
        ({"name": "chat", "lables": {}}, "metadata.lables is no field: did you mean labels?"),
        (
            {"name": "chat", "labels": {"team": 7}},
            'metadata.labels.team: 7 is a whole number: put it in quotes, "7"',
        ),
        ({"name": "chat", "labels": {"team": "a b"}}, 'metadata.labels.team: "a b" cannot'),
        ({"name": "chat", "annotations": {"a b": "x"}}, '"a b" cannot stand here'),
        ({"name": "chat", "namespace": "Serving"}, "a namespace holds lower-case letters"),
        ({"generateName": "chat-"}, "write metadata.name"),
    ],
)
def test_metadata_is_judged_too(metadata: Object, answer: str) -> None:
    answers = refused_texts({}, metadata=metadata)

    assert any(answer in each for each in answers), answers


def test_metadata_in_its_usual_forms_is_accepted() -> None:
    metadata = {
        "name": "chat",
        "namespace": "serving",
        "labels": {"app.kubernetes.io/part-of": "Chat_1.0", "empty": ""},
        "annotations": {"tandem.dev/refresh": "now, please"},
        "finalizers": ["example.com/keep"],
    }

    assert refused_texts({}, metadata=metadata) == []


def test_status_of_a_manifest_is_dropped() -> None:
    assert refused_texts({}, status={"replicas": "none"}) == []
    assert refused_texts({}, status={"replica": 1}) == [
        "status.replica is no field: did you mean replicas?"
    ]


def test_the_manifest_itself_is_left_as_it_is() -> None:
    manifest = Bad("", {}, "", "", "").manifest()
    before = copy.deepcopy(manifest)

    faults_of(manifest)

    assert manifest == before
    assert GOOD["speculation"] == before["spec"]["speculation"]
    assert REMOVED not in before["spec"].values()


def test_another_version_is_told_the_right_one() -> None:
    assert refused_texts({}, apiVersion="tandem.dev/v1") == [
        "apiVersion is 'tandem.dev/v1': use tandem.dev/v1alpha1"
    ]


def test_the_schema_is_closed_where_the_crd_knows_the_fields() -> None:
    spec = schema.root()["properties"]["spec"]["properties"]

    assert spec["engine"]["additionalProperties"] is False
    assert "additionalProperties" not in spec["template"]


def test_whatever_would_be_stored_can_be_planned() -> None:
    planned = 0
    for manifest in manifests(1200, seed=3):
        answered = answer.to(manifest)
        if not answered.faults:
            preview.of(preview.resource_of(answered.stored, "default"), INSTALLATION)
            planned += 1

    assert planned > 300
