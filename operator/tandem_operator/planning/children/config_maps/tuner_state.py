"""The ConfigMap of what the tuner learned and decided."""

from __future__ import annotations

from typing import Any

from tandem_operator.api import names
from tandem_operator.planning import ownership
from tandem_operator.planning.resource import Resource
from tandem_operator.planning.snapshot import TuningView

Object = dict[str, Any]

STATE_KEY = "state.json"
RECORDS_KEY = "records.json"
LOCK_KEY = "lock"
SHAPE_KEY = "shape"
"""Of which lock and which shape of engine the state was learned: another pair, image, accelerator
or parallelism starts again."""
EARLIER_KEY = "earlier.json"
"""States of engines that served before, for a way back to them."""
HISTORY_KEY = "acceptance.json"
"""Acceptance of the last hours, by which decay is told."""


def body(resource: Resource, tuning: TuningView | None) -> Object | None:
    """The ConfigMap when it should be written now; None leaves what stands as it is."""
    if tuning is None or not tuning.state_due or tuning.state_json is None:
        return None
    data = {
        LOCK_KEY: tuning.lock_hash,
        SHAPE_KEY: tuning.shape,
        STATE_KEY: tuning.state_json,
    }
    if tuning.earlier_json is not None:
        data[EARLIER_KEY] = tuning.earlier_json
    if tuning.history_json is not None:
        data[HISTORY_KEY] = tuning.history_json
    if tuning.records_json is not None:
        data[RECORDS_KEY] = tuning.records_json
    labels = {names.LABEL_DEPLOYMENT: resource.name}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": ownership.metadata(resource, "ConfigMap", names.tuner(resource.name), labels),
        "data": data,
    }
