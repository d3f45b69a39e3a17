"""docs/resource.md says of every field what the API server and the operator make of it."""

import re
from typing import Annotated

import pytest
import yaml
from pydantic import Field as Bound

from hack.generate import dependent
from hack.generate.fields import Field, fields_of
from hack.generate.pages import resource_page
from tandem_operator.api.conditions import REASONS, ConditionType
from tandem_operator.api.fields import LIVE, Rule, SpecModel
from tandem_operator.api.spec import Spec
from tandem_operator.api.status import Status
from tandem_operator.cli.admission import answer

PAGE = resource_page.render()


def section(heading: str) -> str:
    """The text below one heading, up to the next."""
    match = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", PAGE, re.M | re.S)
    assert match is not None, f"no heading {heading}"
    return match[1]


def field_at(path: str) -> Field:
    return next(field for field in fields_of(Spec, "spec") if field.path == path)


@pytest.mark.parametrize("field", fields_of(Spec, "spec"), ids=lambda field: field.path)
def test_every_field_has_a_section_with_its_description(field: Field) -> None:
    assert field.schema["description"] in section(field.path)


def test_a_field_says_type_bounds_constant_default_and_what_a_change_does() -> None:
    assert "integer · 1 to 32 · default `5` · rollout" in section("spec.speculation.maxTokens")
    assert "integer · 0 to 1000 · default `1` · live" in section("spec.replicas")


def test_a_dependent_default_is_said_in_words() -> None:
    text = section("spec.speculation.initialTokens")
    assert "default: the smaller of 3 and maxTokens · live" in text
    assert "`aws.amazon.com/neuron` for Neuron" in section("spec.accelerator.resource")


def test_every_dependent_default_belongs_to_a_field_without_a_constant_one() -> None:
    for path in dependent.DEFAULTS:
        field = field_at(path)
        assert not field.required
        assert "default" not in field.schema


def test_every_revision_says_which_one_is_meant_when_it_is_absent() -> None:
    revisions = [field.path for field in fields_of(Spec, "spec") if field.path.endswith("revision")]

    assert len(revisions) == 5
    assert set(revisions) <= set(dependent.DEFAULTS)


def test_the_manifest_at_the_top_is_accepted() -> None:
    block = re.search(r"```yaml\n(.*?)```", PAGE, re.S)
    assert block is not None

    assert answer.to(yaml.safe_load(block[1])).faults == ()


def test_an_integer_or_percentage_says_the_bounds_of_both() -> None:
    assert "integer, 0 to 1000, or string, at most 4 characters" in section("spec.rollout.maxSurge")


def test_required_fields_say_so() -> None:
    assert "**required**" in section("spec.engine.type")
    assert "**required**" not in section("spec.engine.image")


def test_a_rule_over_two_fields_stands_at_both_with_places_for_their_values() -> None:
    sentence = "tuning.minTokens ... is above speculation.maxTokens ...: lower tuning.minTokens or"
    assert sentence in section("spec.tuning.minTokens")
    assert sentence in section("spec.speculation.maxTokens")
    assert sentence not in section("spec.tuning")


def test_a_pattern_with_words_of_its_own_is_said_in_words() -> None:
    assert "... is no model source: use hf://org/name" in section("spec.target.uri")
    assert "pattern" not in section("spec.target.uri")


def test_every_rule_of_the_spec_stands_on_the_page() -> None:
    missing = [rule.message for rule in Spec.rules if _spoken(rule) not in PAGE]
    assert missing == []


def _spoken(rule: Rule) -> str:
    return re.sub(r"\{self[^}]*\}", "...", rule.message)


@pytest.mark.parametrize("field", fields_of(Status, "status"), ids=lambda field: field.path)
def test_every_status_field_has_a_row(field: Field) -> None:
    assert f"| `{field.path}` |" in section("status")


@pytest.mark.parametrize("kind", ConditionType)
def test_every_condition_has_all_its_reasons_with_their_meanings(kind: ConditionType) -> None:
    text = section(kind.value)
    for reason in REASONS[kind]:
        assert f"| `{reason.value}` | {reason.meaning} |" in text


def test_reasons_of_stalled_say_what_makes_the_operator_look_again() -> None:
    text = section("Stalled")
    assert re.search(r"`ModelNotFound`.*a check every 10 minutes", text)
    assert re.search(r"`NameConflict`.*an object's event", text)
    assert re.search(r"`PairRejected`.*nothing else", text)


def test_links_of_the_contents_lead_to_headings() -> None:
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", PAGE, re.M)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= anchors


class Entry(SpecModel):
    """An entry."""

    depth: Annotated[int, Bound(ge=0, description="How deep.")] = 0


class Small(SpecModel):
    """A model with a live list of objects."""

    entries: Annotated[tuple[Entry, ...], LIVE, Bound(description="Entries.")] = ()
    loose: Annotated[int | None, Bound(description="Loose.")] = None

    rules = (Rule("self.entries.all(e, e.depth > 0)", "an entry is flat: deepen it"),)


def test_fields_inside_a_live_list_are_live_and_rules_stand_at_the_list() -> None:
    fields = {field.path: field for field in fields_of(Small, "spec")}

    assert list(fields) == ["spec.entries", "spec.entries[].depth", "spec.loose"]
    assert fields["spec.entries[].depth"].live
    assert not fields["spec.loose"].live
    assert fields["spec.entries"].rules == ("an entry is flat: deepen it",)
