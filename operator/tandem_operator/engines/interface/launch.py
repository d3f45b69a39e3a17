"""Everything an engine is rendered from, and what a driver renders."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tandem_operator.api import defaults, names
from tandem_operator.api.defaults import Effective
from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface.installation import Installation
from tandem_runtime.contract.report import PairReport

Object = dict[str, Any]


@dataclass(frozen=True)
class ConfigFiles:
    """A ConfigMap of the engine's own: `name` is its own, `files` are contents by file name."""

    name: str
    files: Mapping[str, str]


@dataclass(frozen=True)
class Launch:
    """One locked revision of a resource, ready to be started.

    `pod_lock` is the text of `TANDEM_LOCK` (the contract's "Pod lock"), `report` what the lock
    found of the pair. `without_speculation` renders the engine without its draft. `installation`
    has the images of the release, for an engine or a container beside it that no spec names.
    """

    name: str
    spec: Spec
    lock_hash: str
    pod_lock: str
    installation: Installation
    report: PairReport | None = None
    without_speculation: bool = False

    @property
    def values(self) -> Effective:
        """The dependent defaults in force."""
        return defaults.effective(self.spec, self.name)

    def config_files(self, use: str, files: Mapping[str, str]) -> ConfigFiles:
        """Files for a ConfigMap volume; other contents have another name, so no pod mixes them.

        `use` is a word of lower-case letters and dashes.
        """
        return ConfigFiles(names.engine_config(self.name, use, dict(files)), files)


@dataclass(frozen=True)
class PodParts:
    """What an engine brings to one pod, as Kubernetes objects in their JSON form.

    `container` is `main`, with every mount it needs. `volumes` are those that are the engine's
    own; volumes of models, plugin, state and table are the planner's, under the contract's names.
    `init_containers` run in their order once the locked files are there; `sidecars` run beside
    `main`. The name of each begins with `tandem-`.
    """

    container: Object
    volumes: list[Object]
    security_context: Object
    grace_s: int
    init_containers: tuple[Object, ...] = ()
    sidecars: tuple[Object, ...] = ()


@dataclass(frozen=True)
class Endpoint:
    """Where a pod shows its metrics: the name of a container's port, and a path."""

    port: str = "http"
    path: str = "/metrics"


@dataclass(frozen=True)
class EngineParts:
    """What a driver renders: the pod that serves, and what else belongs to it.

    `tiers` are the depths that the engine may take: one alone where K cannot change, (0,) without
    speculation.
    """

    leader: PodParts
    tiers: tuple[int, ...] = ()
    config: tuple[ConfigFiles, ...] = ()
    metrics: Endpoint = Endpoint()
