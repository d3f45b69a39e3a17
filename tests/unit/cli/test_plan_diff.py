"""`tandem plan --diff`: what a manifest changes in a cluster, live or by rolling pods."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tandem_operator.cli.main import main
from tests.unit.cli.conftest import Tandem
from tests.unit.cli.fake_api import FakeApi

Object = dict[str, Any]
MANIFEST: Object = {
    "apiVersion": "tandem.dev/v1alpha1",
    "kind": "SpeculativeDeployment",
    "metadata": {"name": "chat", "namespace": "shop"},
    "spec": {
        "target": {"uri": "hf://org/target"},
        "draft": {"uri": "hf://org/draft"},
        "speculation": {"method": "DraftModel", "maxTokens": 7},
        "engine": {"type": "vLLM", "image": "vllm/vllm-openai:v0.32.0"},
    },
}


def stored(**spec: Any) -> Object:
    raw = copy.deepcopy(MANIFEST)
    raw["metadata"] |= {"uid": "1", "generation": 1, "creationTimestamp": "2026-01-02T03:04:05Z"}
    raw["spec"] |= spec
    return raw


def changed(path: str, value: Any) -> Object:
    raw = copy.deepcopy(MANIFEST)
    *folders, last = path.split(".")
    place = raw["spec"]
    for folder in folders:
        place = place.setdefault(folder, {})
    place[last] = value
    return raw


@pytest.fixture
def diff(api: FakeApi, tandem: Tandem, tmp_path: Path) -> Any:
    def run(manifest: Object) -> Object:
        file = tmp_path / "manifest.json"
        file.write_text(json.dumps(manifest))
        done = tandem("plan", "--diff", "-f", str(file), "-o", "json")
        assert done.status == 0, done
        return json.loads(done.out)

    return run


def test_what_is_not_there_would_be_created(diff: Any) -> None:
    assert (diff(MANIFEST)["exists"], diff(MANIFEST)["changes"]) == (False, [])


def test_the_same_manifest_changes_nothing(api: FakeApi, diff: Any) -> None:
    api.resources = [stored()]

    assert diff(MANIFEST) == {
        "resource": "shop/chat",
        "exists": True,
        "rolls": False,
        "changes": [],
    }


@pytest.mark.parametrize(
    ("path", "value", "rolls"),
    [
        ("replicas", 3, False),
        ("paused", True, False),
        ("tuning.maxTokens", 0, False),
        ("speculation.initialTokens", 2, False),
        ("speculation.maxTokens", 5, True),
        ("engine.image", "vllm/vllm-openai:v0.33.0", True),
        ("draft.revision", "other", True),
        ("parallelism.tensor", 2, True),
    ],
)
def test_a_change_is_live_or_rolls(
    path: str, value: Any, rolls: bool, api: FakeApi, diff: Any
) -> None:
    api.resources = [stored()]

    changes = diff(changed(path, value))

    assert [one["path"] for one in changes["changes"]] == [f"spec.{path}"]
    assert (changes["changes"][0]["after"], changes["changes"][0]["rolls"]) == (value, rolls)
    assert changes["rolls"] is rolls


def test_replicas_that_an_autoscaler_wrote_are_no_change(api: FakeApi, diff: Any) -> None:
    api.resources = [stored(replicas=7)]

    assert diff(MANIFEST)["changes"] == []
    assert diff(changed("replicas", 2))["changes"][0]["before"] == 7


def test_text_says_what_rolls(
    api: FakeApi, tandem: Tandem, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.resources = [stored()]
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(changed("speculation.maxTokens", 5)))

    assert main(["plan", "--diff", "-f", str(file)]) == 0

    out = capsys.readouterr().out
    assert "spec.speculation.maxTokens: 7 -> 5 (rollout)" in out
    assert "1 engine pod is replaced" in out


def test_a_cluster_that_cannot_be_read_is_told(tandem: Tandem, tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(MANIFEST))

    done = tandem("plan", "--diff", "-f", str(file), "--kubeconfig", "/no/such")

    assert done.status == 2
    assert "there is no kubeconfig /no/such" in done.err
