"""spec.template is judged before there is a cluster, by the fields of Kubernetes' own pods."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tandem_operator.cli.admission import pod_template
from tandem_operator.cli.main import main
from tests.unit.cli.files import resource, written
from tests.unit.cli.pod_templates import FULL

Object = dict[str, Any]


def fields(node: Object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every field of the pod, through the first entry of each list."""
    if "items" in node:
        yield from fields(node["items"], (*path, 0))
    for name, inner in node.get("properties", {}).items():
        yield (*path, name)
        yield from fields(inner, (*path, name))


def holding(path: tuple[str | int, ...], value: Any) -> Any:
    for part in reversed(path):
        value = [value] if isinstance(part, int) else {part: value}
    return value


def test_a_typo_in_any_field_is_named_with_what_was_meant() -> None:
    schema = pod_template.root()["properties"]["spec"]["properties"]["template"]
    every = list(fields(schema))
    missed = []
    for path in every:
        *place, name = path
        wrong = f"{name}x"
        faults = pod_template.faults(holding((*place, wrong), {}))
        if not any(f".{wrong} is no field: did you mean {name}?" in fault for fault in faults):
            missed.append((path, faults))

    assert missed == []
    assert len(every) > 1000
    assert ("spec", "containers", 0, "securityContext", "runAsUser") in every


def test_a_template_of_every_kind_of_value_is_accepted() -> None:
    assert pod_template.faults(FULL) == ()


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ({"spec": {"hostNetwork": "true"}}, 'hostNetwork: "true" is text: write true or false'),
        (
            {"spec": {"containers": [{"name": "a", "ports": [{"containerPort": "80"}]}]}},
            'containers[0].ports[0].containerPort: "80" is text: write 80 without quotes',
        ),
        (
            {"spec": {"nodeSelector": {"gpu": 1}}},
            'nodeSelector.gpu: 1 is a whole number: put it in quotes, "1"',
        ),
        ({"spec": {"tolerations": {}}}, "tolerations: {} is a map of fields: write a list"),
        (
            {"spec": {"containers": [{"name": "a", "env": [{"value": "1"}]}]}},
            "containers[0].env[0].name is required and missing",
        ),
        (
            {"spec": {"containers": [{"name": "a", "resources": {"limits": {"cpu": [1]}}}]}},
            "containers[0].resources.limits.cpu: [1] is a list: write text or a number",
        ),
    ],
)
def test_a_value_of_another_type_is_told_with_what_to_write(template: Object, fault: str) -> None:
    assert pod_template.faults(template) == (f"spec.template.spec.{fault}",)


def planned(
    template: Object, tmp_path: Path, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, str]:
    manifest = yaml.safe_load(resource("chat"))
    manifest["spec"]["template"] = template
    status = main(["plan", "-f", written(tmp_path, yaml.safe_dump(manifest), "a.yaml"), *words])
    return status, capsys.readouterr().out


def test_plan_tells_what_would_be_stalled_and_makes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = {"spec": {"contaners": [], "restartPolicy": 7}}
    status, text = planned(wrong, tmp_path, capsys)
    _, document = planned(wrong, tmp_path, capsys, "-o", "json")

    assert status == 1
    assert "InvalidTemplate: spec.template.spec.contaners is no field: did you mean" in text
    # The operator's own reason comes alone.
    assert [line.split(":")[1] for line in text.splitlines() if "restartPolicy" in line] == [
        " spec.template.spec.restartPolicy"
    ]
    assert json.loads(document)["objects"] == []


def test_plan_says_what_of_a_template_it_cannot_judge(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_one = planned({"spec": {"nodeSelector": {"a": "b"}}}, tmp_path, capsys)
    without = main(["plan", "-f", written(tmp_path, resource("chat"), "b.yaml")])

    assert (with_one[0], without) == (0, 0)
    assert "the API server judges the values" in with_one[1]
    assert "the API server judges the values" not in capsys.readouterr().out
