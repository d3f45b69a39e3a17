"""Everything an engine's container is rendered from, and what a driver renders."""

from dataclasses import dataclass, field
from typing import Any

from tandem_operator.api import defaults
from tandem_operator.api.defaults import Effective
from tandem_operator.api.spec import Spec
from tandem_runtime.contract.report import PairReport

Object = dict[str, Any]


@dataclass(frozen=True)
class Launch:
    """One locked revision of a resource, ready to be started.

    `pod_lock` is the text of `TANDEM_LOCK` (the contract's "Pod lock"), `report` what the lock
    found of the pair. `without_speculation` renders the engine without its draft. `torch_image` is
    the installation's image of the torch engine, for a spec that names none.
    """

    name: str
    spec: Spec
    lock_hash: str
    pod_lock: str
    report: PairReport | None = None
    without_speculation: bool = False
    torch_image: str = ""

    @property
    def values(self) -> Effective:
        """The dependent defaults in force."""
        return defaults.effective(self.spec, self.name)


@dataclass(frozen=True)
class PodParts:
    """What an engine brings to its pod, as Kubernetes objects in their JSON form.

    `container` is `main`, with every mount it needs. `volumes` are those that are the engine's
    own; volumes of models, plugin, state and table are the planner's, under the contract's names.
    `sidecars` are containers beside it, whole as they are.
    `tiers` are the depths that the engine may take: one alone where K cannot change, (0,) without
    speculation.
    """

    container: Object
    volumes: list[Object]
    security_context: Object
    grace_s: int
    tiers: tuple[int, ...] = field(default=())
    sidecars: tuple[Object, ...] = ()
