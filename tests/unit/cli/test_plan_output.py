"""What `tandem plan` writes for machines is one document, however many resources there are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tandem_operator.cli.main import main
from tests.unit.cli.files import resource, written


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    refused = resource("wrong").replace("spec:", "spec:\n  replicas: -1")
    return {
        "one": written(tmp_path, resource("chat"), "one.yaml"),
        "several": written(tmp_path, f"{resource('chat')}---\n{refused}", "several.yaml"),
    }


def planned(words: list[str], form: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
    status = main(["plan", *words, "-o", form])
    text = capsys.readouterr().out
    return status, json.loads(text) if form == "json" else list(yaml.safe_load_all(text))


def test_json_of_one_resource_is_an_object(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    status, document = planned(["-f", files["one"]], "json", capsys)

    assert (status, document["resource"]) == (0, "default/chat")
    assert document["objects"]


def test_json_of_several_resources_has_each_with_its_refusals(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    status, document = planned(["-f", files["several"]], "json", capsys)

    accepted, refused = document["resources"]
    assert status == 1
    assert (accepted["resource"], accepted["refusals"]) == ("default/chat", [])
    assert refused["resource"] == "default/wrong"
    assert refused["refusals"] == ["spec.replicas: -1 is out of range: give 0 to 1000"]


def test_yaml_of_several_resources_is_a_stream(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    _, documents = planned(["-f", files["several"]], "yaml", capsys)

    heads = [each["resource"] for each in documents if "resource" in each]
    assert heads == ["default/chat", "default/wrong"]


def test_flags_of_diff_are_refused_without_it(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", "-f", files["one"], "--context", "prod"]) == 2
    assert "--context is for --diff alone: leave it out" in capsys.readouterr().err


def test_accelerators_of_several_pods_are_counted_for_the_replica(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two_stages = "spec:\n  parallelism: {tensor: 2, pipeline: 2}"
    piped = written(tmp_path, resource("piped").replace("spec:", two_stages), "piped.yaml")
    alone = written(tmp_path, resource("alone"), "alone.yaml")

    main(["plan", "-f", piped])
    assert "accelerator count: 4 a replica, 2 in each of its pods" in capsys.readouterr().out
    main(["plan", "-f", alone])
    assert "accelerator count: 1\n" in capsys.readouterr().out
