"""docs/first-15-minutes.md as it is written, by bash, on a cluster of its own.

Three things stand in. `make` only says what it would do: the images are in the node already, under
the page's names. The pair of the manifest is the tiny one on vLLM on CPU, under the same name and
namespace; tests/cluster/test_plan.py asks an API server about the page's own. The local port is a
free one.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from hack.cluster.cluster import Cluster
from hack.demo.environment.kubectl import Kubectl
from hack.demo.environment.setup import Images, models
from hack.demo.environment.volumes import claim
from hack.images import recipes
from hack.vllm.environment import EnvironmentMissingError
from hack.vllm.environment import ensure as engine_environment
from tests.e2e.page import checkout, named, script
from tests.e2e.serving import Serving
from tests.parts import skip_without

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "first-15-minutes.md"
MANIFEST = "examples/llama-3.1-8b.yaml"
PAIR = REPOSITORY / "examples" / "tiny-pair"
LIMIT_S = 900

pytestmark = [pytest.mark.cluster, pytest.mark.node, pytest.mark.timeout(1500)]


def values() -> Mapping[str, str]:
    """What the page exports for its reader to replace."""
    lines = [each for each in script(PAGE).splitlines() if each.startswith("export ")]
    return dict(shlex.split(each)[1].split("=", 1) for each in lines)


@pytest.fixture
def place(new_cluster: Callable[[], Cluster]) -> Cluster:
    """A cluster whose node has the operator's and the runtime's image under the page's names."""
    return new_cluster()


@pytest.fixture
def folder(place: Cluster, tmp_path: Path) -> Path:
    """The checkout in which the page is typed, with a pair that a CPU serves."""
    try:
        environment = engine_environment()
    except EnvironmentMissingError as missing:
        skip_without(missing)
    version = yaml.safe_load((REPOSITORY / "charts/tandem/Chart.yaml").read_text())["appVersion"]
    for name, image in {"operator": recipes.operator(), "runtime": recipes.runtime()}.items():
        reference = f"{values()['REGISTRY']}/tandem-{name}:{version}"
        copy = named(image.archive, reference, tmp_path / f"{name}.tar")
        place.load(copy)
        copy.unlink()
    engine = recipes.engine()
    place.load(engine.archive)
    for path in [tmp_path, *tmp_path.parents][:3]:
        path.chmod(0o755)  # pods read the models under another user id
    (tmp_path / "models").mkdir()
    kept = models(tmp_path / "models", PAIR / "target", PAIR / "draft", PAIR / "draft")
    metadata = yaml.safe_load((REPOSITORY / MANIFEST).read_text())["metadata"]
    namespace = metadata["namespace"]
    pair = Serving(place, Kubectl(place, namespace), Images("", "", engine.reference), kept)
    documents = [
        claim("models", namespace, kept),
        claim("vllm-environment", namespace, environment),
        json.dumps(pair.manifest(metadata["name"], replicas=1, tuning={"mode": "Auto"})),
    ]
    return checkout(tmp_path / "checkout", REPOSITORY, MANIFEST, "\n---\n".join(documents))


@pytest.fixture
def environ(place: Cluster, tmp_path: Path) -> Mapping[str, str]:
    """kubectl and helm with the cluster as their context, and a `make` that makes nothing."""
    programs = tmp_path / "programs"
    programs.mkdir()
    real = shutil.which("make")
    (programs / "make").write_text(f'#!/bin/sh\nexec {real} --dry-run "$@"\n')
    (programs / "make").chmod(0o755)
    path = os.pathsep.join((str(programs), str(place.kubectl.parent), os.environ["PATH"]))
    return os.environ | {"PATH": path, "KUBECONFIG": str(place.kubeconfig)}


def test_the_page_can_be_followed_word_for_word(
    place: Cluster, folder: Path, environ: Mapping[str, str]
) -> None:
    typed = with_a_free_port(script(PAGE))

    log_file = folder.with_suffix(".log")
    with log_file.open("w") as log:
        ended = subprocess.run(
            ["bash", "-c", typed],
            cwd=folder,
            env=environ,
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=LIMIT_S,
            check=False,
        )
    output = log_file.read_text()
    print(output)

    assert ended.returncode == 0, output[-3000:]
    assert '"text":' in output, "no answer of the model"
    assert f'--registry "{values()["REGISTRY"]}"' in output
    left = place.run("get", "namespaces,crds", "--output=name")
    assert "serving" not in left
    assert "tandem" not in left


def with_a_free_port(typed: str) -> str:
    """The page's local port may be taken on this machine: another one stands in for it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert typed.count(" 8000:80 ") == 1
    return typed.replace(" 8000:80 ", f" {port}:80 ").replace("localhost:8000", f"localhost:{port}")
