"""The kinds that are watched, and the label by which an object says whose it is."""

from __future__ import annotations

from dataclasses import dataclass

from tandem_operator.api import names
from tandem_operator.workloads import kinds


@dataclass(frozen=True)
class Kind:
    """A kind as the API server serves it.

    Objects are watched that carry ``label`` (empty: all); its value is the resource's name with
    ``suffix`` after it. ``definition`` is the group, version and plural of the kind without which
    there are none: it is watched only where the API server serves that.
    """

    group: str
    version: str
    plural: str
    kind: str
    label: str = names.LABEL_DEPLOYMENT
    suffix: str = ""
    definition: tuple[str, str, str] | None = None

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


RESOURCE = Kind(names.GROUP, names.VERSION, names.PLURAL, names.KIND, label="")
POD_MONITOR = Kind("monitoring.coreos.com", "v1", "podmonitors", "PodMonitor")
CHILDREN = (
    *(Kind(**vars(each)) for workload in kinds.ALL for each in workload.watched),
    Kind("apps", "v1", "controllerrevisions", "ControllerRevision"),
    Kind("batch", "v1", "jobs", "Job"),
    Kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget"),
    Kind("", "v1", "services", "Service"),
    Kind("", "v1", "configmaps", "ConfigMap"),
    Kind("", "v1", "pods", "Pod"),
)
"""Watched with a label as the selector, so that no other object is streamed."""

SELECTOR = names.LABEL_DEPLOYMENT
