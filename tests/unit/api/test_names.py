"""Names fit into Kubernetes, and the input hash moves with what shapes a pod and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.api import names
from tests.unit.api import builders

LONGEST = "a" * names.MAX_NAME_LENGTH
HASH = "0123456789abcdef"

LIVE: tuple[tuple[str, Any], ...] = (
    ("replicas", 7),
    ("paused", True),
    ("speculation.initialTokens", 1),
    ("speculation.constrainedOutput", "Allow"),
    ("tuning.mode", "Fixed"),
    ("tuning.maxTokens", 0),
    ("tuning.thresholds", {"maxConcurrency": 9}),
    ("tuning.objective", {"timePerOutputTokenMs": 40}),
    ("tuning.segments", [{"name": "creative", "maxTokens": 2}]),
    ("tuning.offMode", "Redeploy"),
)
SHAPING: tuple[tuple[str, Any], ...] = (
    ("target.uri", "hf://org/other"),
    ("target.revision", "v2"),
    ("target.servedName", "gpt"),
    ("draft.uri", "pvc://models/draft"),
    ("speculation.maxTokens", 5),
    ("speculation.engineConfig", {"disable_padded_drafter_batch": True}),
    ("tokenizerLock.policy", "Exact"),
    ("tokenizerLock.allowRemoteCode", True),
    ("engine.image", "vllm/vllm-openai:v0.33.0"),
    ("engine.args", ["--enforce-eager"]),
    ("engine.env", [{"name": "A", "value": "1"}]),
    ("accelerator.resource", "None"),
    ("parallelism.tensor", 4),
    ("modelCache.claimName", "models"),
    ("imagePullSecrets", ["registry"]),
    ("serviceAccountName", "serving"),
    ("template", {"spec": {"nodeSelector": {"gpu": "h100"}}}),
)


@pytest.mark.parametrize(
    "name",
    [
        names.deployment(LONGEST),
        names.service(LONGEST),
        names.tuner(LONGEST),
        names.lock_job(LONGEST, HASH),
        names.controller_revision(LONGEST, HASH),
        names.speculation_table(LONGEST, HASH),
    ],
)
def test_a_child_of_the_longest_name_fits_a_label(name: str) -> None:
    assert len(name) <= 63


@pytest.mark.parametrize(("path", "value"), LIVE, ids=[path for path, _ in LIVE])
def test_a_live_field_leaves_the_hash(path: str, value: Any) -> None:
    changed = names.input_hash(builders.spec({path: value}))

    assert changed == names.input_hash(builders.spec())


@pytest.mark.parametrize(("path", "value"), SHAPING, ids=[path for path, _ in SHAPING])
def test_any_other_field_changes_it(path: str, value: Any) -> None:
    changed = names.input_hash(builders.spec({path: value}))

    assert changed != names.input_hash(builders.spec())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("progressDeadlineSeconds", 3600),
        ("parallelism", {"tensor": 1}),
        ("tokenizerLock", {"allowRemoteCode": False}),
        ("rollout", {"maxUnavailable": 0}),
        ("engine.args", []),
    ],
)
def test_writing_a_constant_default_out_leaves_it(path: str, value: Any) -> None:
    changed = names.input_hash(builders.spec({path: value}))

    assert changed == names.input_hash(builders.spec())


def test_a_refresh_changes_it_each_time() -> None:
    spec = builders.spec()
    hashes = {names.input_hash(spec, refresh) for refresh in (None, "", "1", "2")}

    assert len(hashes) == 4


def test_the_hash_of_a_stored_object_never_changes_by_a_release() -> None:
    assert names.input_hash(builders.spec()) == "0c0771b37e0a7e23"


def test_the_selector_is_the_same_two_labels_everywhere() -> None:
    assert names.selector("chat") == "tandem.dev/deployment=chat,tandem.dev/role=engine"
    assert names.engine_labels("chat") == {
        "tandem.dev/deployment": "chat",
        "tandem.dev/role": "engine",
    }
    assert names.lock_labels("chat")["tandem.dev/role"] == "lock"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON))
def test_a_digest_does_not_depend_on_the_order_of_keys(value: dict[str, Any]) -> None:
    turned = dict(reversed(value.items()))

    assert names.digest(value) == names.digest(turned)
    assert len(names.digest(value)) == names.HASH_LENGTH


def test_what_json_libraries_write_differently_has_a_digest_too() -> None:
    values = [{"args": [2**64]}, {"args": [2**64 + 1]}, {"text": "\ud800"}, {"text": "\ud801"}]

    assert len({names.digest(value) for value in values}) == len(values)
