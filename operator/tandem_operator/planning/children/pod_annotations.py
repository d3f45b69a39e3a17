"""Annotations that make a kubelet refresh the table file at once instead of within a minute."""

from __future__ import annotations

from typing import Any

from tandem_operator.api import names
from tandem_operator.planning.plan import PodAnnotation
from tandem_runtime.contract.table import SpeculationTable

Object = dict[str, Any]

ANNOTATION_GENERATION = f"{names.GROUP}/table-generation"


def find(pods: list[Object], table: SpeculationTable | None) -> tuple[PodAnnotation, ...]:
    """One for each running pod of the table's lock that was not told of its generation.

    `table` is the one that stands, so no pod is told of a table that is not there yet. The first
    table stood before its pods did, so they began with it.
    """
    if table is None or table.generation == 1:
        return ()
    return tuple(
        PodAnnotation(pod["metadata"]["name"], pod["metadata"]["uid"], table.generation)
        for pod in pods
        if pod.get("status", {}).get("phase") == "Running"
        and pod["metadata"].get("labels", {}).get(names.LABEL_LOCK) == table.lock
        and _known_generation(pod) < table.generation
    )


def _known_generation(pod: Object) -> int:
    text = pod["metadata"].get("annotations", {}).get(ANNOTATION_GENERATION, "")
    return int(text) if text.isdecimal() else -1
