"""Reading a spec that the API server has accepted, and a status of any release."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tandem_operator.api import uri
from tandem_operator.api.spec import ConstrainedOutput, Method
from tandem_operator.api.status import Status
from tests.unit.api import builders


def test_what_is_left_out_has_its_default() -> None:
    spec = builders.spec()

    assert spec.replicas == 1
    assert spec.speculation.method is Method.DRAFT_MODEL
    assert spec.speculation.constrained_output is ConstrainedOutput.BYPASS
    assert spec.tuning.thresholds.for_seconds == 60
    assert spec.progress_deadline_seconds == 3600


def test_a_spec_cannot_be_changed_after_it_was_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        builders.spec().replicas = 2


def test_an_unknown_field_is_told_by_its_path() -> None:
    with pytest.raises(ValidationError, match=r"speculation\.maxTokenz"):
        builders.spec({"speculation.maxTokenz": 3})


def test_engine_settings_keep_their_types() -> None:
    parsed = builders.spec({"speculation.engineConfig": {"a": True, "b": 1, "c": "1", "d": [0.5]}})

    assert parsed.speculation.engine_config == {"a": True, "b": 1, "c": "1", "d": [0.5]}


@pytest.mark.parametrize(
    ("text", "authority", "path"),
    [
        ("hf://meta-llama/Llama-3.2-1B", "meta-llama/Llama-3.2-1B", ""),
        ("pvc://models", "models", ""),
        ("pvc://models/a/b", "models", "a/b"),
        ("oci://registry.example/a/b@sha256:" + "0" * 64, None, ""),
        ("s3://bucket/a", "bucket", "a"),
    ],
)
def test_the_parts_of_a_source(text: str, authority: str | None, path: str) -> None:
    parts = uri.parse(text)

    assert parts.scheme.value == text.partition(":")[0]
    assert parts.authority == (authority or text.partition("://")[2])
    assert parts.path == path


@pytest.mark.parametrize("text", ["models/target", "ftp://host/model", "hf://", ""])
def test_no_source_at_all(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        uri.parse(text)


def test_a_status_of_a_later_release_is_read_without_what_is_new() -> None:
    status = Status.model_validate({"observedGeneration": 3, "horoscope": "good", "replicas": 2})

    assert status.to_object() == {"observedGeneration": 3, "replicas": 2, "conditions": []}
