"""Everything that must stand before the first request: cluster, images, models, operator."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from hack.demo.environment.kubectl import DemoError, Kubectl
from hack.demo.environment.volumes import claim

REPOSITORY = Path(__file__).parents[3]
CHART = REPOSITORY / "charts" / "tandem"
SYSTEM_NAMESPACE = "tandem-system"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Images:
    """References of the images as the cluster knows them."""

    operator: str
    runtime: str
    engine: str = ""
    torch: str = ""


def models(folder: Path, target: Path, draft: Path, permuted: Path) -> Path:
    """One folder with everything that the claim `models` offers; copied, so that links hold."""
    for name, source in (("target", target), ("draft", draft), ("permuted-draft", permuted)):
        place = folder / name
        if not place.exists():
            shutil.copytree(source, place.with_suffix(".part"), dirs_exist_ok=True)
            place.with_suffix(".part").rename(place)
    return folder


def make_namespace(kubectl: Kubectl) -> None:
    kubectl.apply(f"{{apiVersion: v1, kind: Namespace, metadata: {{name: {kubectl.namespace}}}}}")


def make_claims(kubectl: Kubectl, models_folder: Path, environment: Path) -> None:
    """The claims `models` and `vllm-environment`."""
    kubectl.apply(claim("models", kubectl.namespace, models_folder))
    kubectl.apply(claim("vllm-environment", kubectl.namespace, environment))


def install_operator(
    helm: Path, kubectl: Kubectl, images: Images, *, release: str = "tandem", **values: str
) -> None:
    """`helm upgrade --install` of the chart, waiting until the operator is Ready.

    Raises DemoError with helm's words.
    """
    settings = {
        "image.repository": images.operator.rpartition(":")[0],
        "image.tag": images.operator.rpartition(":")[2],
        "runtimeImage.repository": images.runtime.rpartition(":")[0],
        "runtimeImage.tag": images.runtime.rpartition(":")[2],
        **values,
    }
    if images.torch:
        settings["torchImage.repository"], _, settings["torchImage.tag"] = images.torch.rpartition(
            ":"
        )
    words = [f"--set={name}={value}" for name, value in settings.items()]
    done = subprocess.run(
        [
            str(helm),
            f"--kubeconfig={kubectl.cluster.kubeconfig}",
            f"--namespace={SYSTEM_NAMESPACE}",
            "upgrade",
            "--install",
            "--create-namespace",
            "--wait",
            "--timeout=120s",
            release,
            str(CHART),
            *words,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        system = replace(kubectl, namespace=SYSTEM_NAMESPACE)
        raise DemoError(
            f"helm upgrade --install {release}: {done.stderr.strip()}\n"
            f"{system.say('get', 'pods')}\n"
            f"{system.say('logs', '--selector=app.kubernetes.io/name=tandem', '--tail=5')}"
        )
