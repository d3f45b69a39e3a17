"""`tandem plan` and a real API server agree on spec.template: typos, types, and what is missing."""

from __future__ import annotations

import copy
import json
import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from hack.cluster.cluster import Cluster
from tandem_operator.cli.admission import pod_template
from tandem_operator.engines.interface.installation import Installation
from tandem_operator.planning import preview
from tests.unit.cli.pod_templates import FULL
from tests.unit.planning import builders

pytestmark = pytest.mark.cluster

Object = dict[str, Any]
INSTALLATION = Installation(runtime_image="tandem-runtime:1", torch_image="tandem-engine:1")
OTHERS = (True, 7, 7.5, "text", [], {}, [7], {"a": "b"})
"""A value of each kind, for places that take another."""


@pytest.fixture
def server(shared_control_plane: Cluster) -> Iterator[httpx.Client]:
    trusted = ssl.create_default_context(cafile=str(shared_control_plane.authority))
    headers = {"Authorization": f"Bearer {shared_control_plane.token}"}
    with httpx.Client(base_url=shared_control_plane.url, verify=trusted, headers=headers) as client:
        yield client


def refusal(server: httpx.Client, template: Object) -> str | None:
    """What the API server says of the Deployment that a template leads to; None where it takes it.

    As the operator applies it, but as a dry run.
    """
    wanted = preview.resource_of(builders.resource({"template": template}), "serving")
    seen = preview.of(wanted, INSTALLATION)
    if seen.refusals:
        return str(seen.refusals[0])  # the operator's own, before it applies anything
    (deployment,) = (each for each in seen.locked if each["kind"] == "Deployment")
    deployment["metadata"]["namespace"] = "default"
    answer = server.patch(
        f"/apis/apps/v1/namespaces/default/deployments/{deployment['metadata']['name']}",
        params={"dryRun": "All", "fieldManager": "tandem", "fieldValidation": "Strict"},
        content=json.dumps(deployment),
        headers={"Content-Type": "application/apply-patch+yaml"},
    )
    return None if answer.status_code in (200, 201) else str(answer.json()["message"])


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of each field and of each value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in inner:
        yield (*path, key)
        if isinstance(each, dict | list):
            yield from leaves(each, (*path, key))


def changed(path: tuple[str | int, ...], *, typo: bool = False, value: Any = None) -> Object:
    """The full template with one field under a wrong name, or with another value."""
    made = copy.deepcopy(FULL)
    holder: Any = made
    for part in path[:-1]:
        holder = holder[part]
    if typo:
        holder[f"{path[-1]}x"] = holder.pop(path[-1])
    else:
        holder[path[-1]] = value
    return made


def test_the_full_template_is_taken_by_both(server: httpx.Client) -> None:
    assert (refusal(server, FULL), pod_template.faults(FULL)) == (None, ())


def test_a_typo_is_refused_by_both(server: httpx.Client) -> None:
    # Names of labels and of resources are free, and the planner needs the names of containers.
    free = {"labels", "annotations", "nodeSelector", "limits", "overhead"}
    paths = [
        path
        for path in leaves(FULL["spec"], ("spec",))
        if isinstance(path[-1], str) and not free & set(path[:-1])
    ]
    planned = [path for path in paths if path[-1] != "name"]
    both = {
        path: (
            refusal(server, changed(path, typo=True)),
            pod_template.faults(changed(path, typo=True)),
        )
        for path in planned
    }

    assert len(both) > 40
    assert {
        path: answers for path, answers in both.items() if None in answers or not answers[1]
    } == {}


def test_what_the_plan_refuses_for_its_type_the_api_server_refuses(server: httpx.Client) -> None:
    """The other way round there is more that only the server sees: ranges, names, quantities."""
    wrong = []
    refused = 0
    for path in leaves(FULL["spec"], ("spec",)):
        if path[-1] == "name" or path[-2:] == ("spec", "containers") or isinstance(path[-1], int):
            continue
        for value in OTHERS:
            template = changed(path, value=value)
            faults = pod_template.faults(template)
            if faults:
                refused += 1
                if refusal(server, template) is None:
                    wrong.append((path, value, faults))

    assert wrong == []
    assert refused > 100
