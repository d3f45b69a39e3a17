"""`tandem plan` and a real API server answer alike: what one refuses the other does not store."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from hack.cluster.cluster import Cluster
from tandem_operator.api import names
from tandem_operator.cli.admission import answer, rules, schema
from tests.cluster.bad_manifests.case import Bad, Object
from tests.cluster.bad_manifests.schema import REFUSED_BY_SCHEMA
from tests.cluster.bad_manifests.stalled import STALLED
from tests.cluster.generated_manifests import manifests

pytestmark = pytest.mark.cluster

EXAMPLES = Path(__file__).parents[2] / "examples"
GENERATED = 400
TABLE = [case.manifest() for case in (*REFUSED_BY_SCHEMA, *STALLED)]
METADATA: tuple[Object, ...] = (
    {"name": "chat", "labels": {"team": "a b"}},
    {"name": "chat", "labels": {"a/b/c": "x"}},
    {"name": "chat", "labels": {"team": 7}},
    {"name": "chat", "labels": {"app.kubernetes.io/part-of": "Chat_1.0", "empty": ""}},
    {"name": "chat", "labels": {"team": "a" * 64}},
    {"name": "chat", "annotations": {"a b": "x"}},
    {"name": "chat", "annotations": {"tandem.dev/refresh": "now, please"}},
    {"name": "chat", "annotations": {"tandem.dev/refresh": True}},
    {"name": "chat", "lables": {}},
    {"name": "chat.one"},
    {"name": "a" * 40},
    {"name": ""},
    {"name": "Chat"},
)


class Server:
    """The API server, asked what it would do (`dryRun`)."""

    def __init__(self, where: Cluster, namespace: str) -> None:
        self.path = f"/apis/{names.API_VERSION}/namespaces/{namespace}/{names.PLURAL}"
        trusted = ssl.create_default_context(cafile=str(where.authority))
        headers = {"Authorization": f"Bearer {where.token}"}
        self.client = httpx.Client(base_url=where.url, verify=trusted, headers=headers)

    def refusal(self, manifest: Object) -> str | None:
        """Why it would not store the manifest; None where it would."""
        answer = self.client.post(
            self.path,
            params={"dryRun": "All", "fieldValidation": "Strict"},
            content=json.dumps(manifest),
            headers={"Content-Type": "application/json"},
        )
        return None if answer.status_code == 201 else str(answer.json()["message"])


@pytest.fixture
def server(shared_control_plane: Cluster, namespace: str) -> Iterator[Server]:
    made = Server(shared_control_plane, namespace)
    yield made
    made.client.close()


def differences(server: Server, objects: list[Object]) -> list[str]:
    """Each manifest about which the two differ, with both answers."""
    answers = [(each, server.refusal(each), answer.to(each).faults) for each in objects]
    return [
        f"{json.dumps(manifest)}: API server {refusal}, plan {faults}"
        for manifest, refusal, faults in answers
        if (refusal is None) != (not faults)
    ]


def test_they_agree_on_every_bad_manifest_and_every_example(server: Server) -> None:
    examples = [
        manifest
        for path in EXAMPLES.rglob("*.yaml")
        for manifest in yaml.safe_load_all(path.read_text())
        if manifest["kind"] == names.KIND
    ]
    assert len(examples) > 5
    for example in examples:
        example["metadata"].pop("namespace", None)

    assert differences(server, [*TABLE, *examples]) == []


def test_they_agree_on_metadata_and_status(server: Server) -> None:
    good = Bad("", {}, "", "", "").manifest()
    with_metadata = [{**good, "metadata": metadata} for metadata in METADATA]
    with_status = [{**good, "status": status} for status in ({"replicas": "x"}, {"replica": 1})]

    assert differences(server, [*with_metadata, *with_status]) == []


def test_they_agree_on_manifests_made_from_the_schema(server: Server) -> None:
    made = list(manifests(GENERATED, seed=14))
    refused = sum(server.refusal(each) is not None for each in made)
    assert 80 < refused < GENERATED - 80, "nearly all are good, or nearly all are bad"

    assert differences(server, made) == []


def test_a_broken_rule_is_told_in_the_words_of_the_api_server(server: Server) -> None:
    refused = 0
    for manifest in (*TABLE, *manifests(GENERATED, seed=15)):
        refusal = server.refusal(manifest)
        if refusal is None or "some validation rules were not checked" in refusal:
            continue
        root = schema.root()
        for broken in rules.broken(root, schema.prepared(manifest, root)):
            # Kubernetes leaves a message out that would be two lines.
            if "\n" not in broken.message and "strict decoding" not in refusal:
                assert broken.message in refusal
                refused += 1

    assert refused > 50
