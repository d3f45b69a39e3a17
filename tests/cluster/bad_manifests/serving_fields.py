"""Fields of tuning, rollouts and replicas, and names, that the API server refuses."""

from __future__ import annotations

from tests.cluster.bad_manifests.case import REMOVED, Bad

SERVING_FIELDS = (
    Bad(
        "a count of no devices",
        {"accelerator": {"resource": "None", "count": 2}},
        "spec.accelerator.count",
        "2",
        "remove count",
    ),
    Bad(
        "tuning above what the engine was started for",
        {"tuning.maxTokens": 9},
        "spec.tuning",
        "9",
        "lower tuning.maxTokens or raise speculation.maxTokens",
    ),
    Bad(
        "a band upside down",
        {"tuning": {"minTokens": 5, "maxTokens": 2}},
        "spec.tuning.minTokens",
        "5",
        "lower minTokens or raise maxTokens",
    ),
    Bad(
        "a threshold above everything",
        {"tuning.thresholds.minAcceptanceRatePercent": 140},
        "spec.tuning.thresholds.minAcceptanceRatePercent",
        "140",
        "should be less than or equal to 100",
    ),
    Bad(
        "a segment twice",
        {"tuning.segments": [{"name": "a", "maxTokens": 1}, {"name": "a", "maxTokens": 2}]},
        "spec.tuning.segments",
        '"a"',
        "duplicate entries",
    ),
    Bad(
        "a segment deeper than the engine",
        {"tuning.segments": [{"name": "creative", "maxTokens": 9}]},
        "spec.tuning",
        "maxTokens 9 of segment creative",
        "lower it or raise speculation.maxTokens",
    ),
    Bad(
        "a rollout that cannot move",
        {"rollout": {"maxUnavailable": 0, "maxSurge": "0%"}},
        "spec.rollout",
        "both 0",
        "raise one",
    ),
    Bad(
        "pods that are not available before their rollout's deadline",
        {"minReadySeconds": 60, "progressDeadlineSeconds": 60},
        "spec.minReadySeconds",
        "minReadySeconds 60 is not below progressDeadlineSeconds 60",
        "lower minReadySeconds or raise progressDeadlineSeconds",
    ),
    Bad(
        "a shared cache with a limit",
        {"modelCache": {"claimName": "models", "sizeLimit": "10Gi"}},
        "spec.modelCache.sizeLimit",
        "10Gi",
        "remove one",
    ),
    Bad(
        "fewer replicas than none",
        {"replicas": -1},
        "spec.replicas",
        "-1",
        "should be greater than or equal to 0",
    ),
    Bad(
        "a field that does not exist",
        {"speculation.maxTokenz": 5},
        "spec.speculation.maxTokenz",
        "maxTokenz",
        "field not declared in schema",
    ),
    Bad(
        "no target",
        {"target": REMOVED},
        "spec.target",
        "target",
        "Required value",
    ),
    Bad(
        "a name that leaves no room for those of children",
        {},
        "metadata.name",
        "a" * 41,
        "shorten it",
        name="a" * 41,
    ),
    Bad(
        "a name that no Service can have",
        {},
        "metadata.name",
        "70b-chat",
        "must start with a letter",
        name="70b-chat",
    ),
)
"""Never stored."""
