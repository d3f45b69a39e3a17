"""The ground that the demo stands on: a cluster with images, models and the operator in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hack.cluster import binaries, provider
from hack.cluster.binaries import CACHE
from hack.cluster.cluster import Cluster, Provider
from hack.demo.environment import setup
from hack.demo.environment.kubectl import DemoError, Kubectl
from hack.demo.environment.setup import REPOSITORY, Images
from hack.images import recipes
from hack.images.builder import ImageError
from hack.vllm.environment import EnvironmentMissingError
from hack.vllm.environment import ensure as engine_environment

NAME = "tandem-demo"
NAMESPACE = "tandem-demo"
PAIR = REPOSITORY / "examples" / "tiny-pair"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Environment:
    """A cluster in which the operator runs and waits for resources."""

    cluster: Cluster
    kubectl: Kubectl
    images: Images

    def facts(self) -> dict[str, object]:
        """What a reader of the report must know to read its numbers."""
        return {
            "provider": str(self.cluster.provider),
            "operator_image": self.images.operator,
            "target": "examples/tiny-pair/target, widened by `python -m hack.pair widen`",
            "off": "K=0 with the draft loaded (tuning.maxTokens: 0)",
        }

    def next_steps(self) -> str:
        """What to type next while everything still runs."""
        words = " ".join(self.kubectl.command())
        return "\n".join(
            [
                "left running; look around with:",
                f"  {words} get specdep",
                f"  {words} describe specdep chat",
                f"  {words} get configmap,deploy,pods",
                f"  export KUBECONFIG={self.cluster.kubeconfig}; .venv/bin/tandem explain chat",
                f"end it with: make cluster-down CLUSTER_NAME={NAME}",
            ]
        )


@contextmanager
def prepared(engine: str, *, keep: bool, step: Say, say: Say) -> Iterator[Environment]:
    """Everything that `engine` (vllm or torch) needs, up to a Ready operator; ended unless `keep`.

    Raises DemoError with the words of whatever failed.
    """
    try:
        with _kubernetes_beside():
            step("the engine's environment (made once, some minutes)")
            environment = engine_environment()
            step("images (built once a content)")
            built = {"operator": recipes.operator(), "runtime": recipes.runtime()}
            if engine == "torch":
                built["torch"] = recipes.torch()
            else:
                built["engine"] = recipes.engine()
            step("models: the tiny target widened, its draft, and a draft of permuted vocabulary")
            models = _models()
            step("a Kubernetes")
            cluster = provider.up(NAME, keep=True)
    except (*provider.ERRORS, ImageError, EnvironmentMissingError) as error:
        raise DemoError(str(error)) from error
    try:
        for image in built.values():
            cluster.load(image.archive)
        kubectl = Kubectl(cluster, NAMESPACE)
        images = Images(**{name: image.reference for name, image in built.items()})
        setup.make_namespace(kubectl)
        setup.make_claims(kubectl, models, environment)
        step("helm upgrade --install tandem charts/tandem")
        setup.install_operator(cluster.helm, kubectl, images)
        yield Environment(cluster, kubectl, images)
    except provider.ERRORS as error:
        raise DemoError(str(error)) from error
    finally:
        if not keep:
            say(f"ending cluster {NAME}")
            provider.down(NAME)


@contextmanager
def _kubernetes_beside() -> Iterator[None]:
    """Build the cluster's programs while the rest is made, for downloads leave the processor idle.

    `provider.up` waits for the build by its lock. Where the rest fails, the build ends too.
    """
    if provider.chosen() is not Provider.LOCAL or binaries.made():
        yield
        return
    words = [sys.executable, "-m", "hack.cluster", "binaries"]
    # A session of its own: what it started ends with it. Its errors come again from `provider.up`.
    build = subprocess.Popen(
        words, cwd=REPOSITORY, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield
    finally:
        if build.poll() is None:
            os.killpg(build.pid, signal.SIGTERM)
        build.wait()


def _models() -> Path:
    """The folder of the claim `models`, by content of what it is made from."""
    widened = Path(_pair("widen").splitlines()[-1])
    folder = CACHE / "demo" / widened.name
    folder.mkdir(parents=True, exist_ok=True)
    permuted = folder / "permuted-draft"
    if not permuted.exists():
        part = folder / "permuted.part"
        _pair("permute", "--out", str(part))
        part.rename(permuted)
    return setup.models(folder, widened, PAIR / "draft", permuted)


def _pair(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "hack.pair", *words],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DemoError(f"python -m hack.pair {' '.join(words)}: {done.stderr.strip()[-800:]}")
    return done.stdout.strip()
