"""What resources of one namespace share of the lock: one inspection of a pair that cannot change.

The cache is what stands in the namespace: revisions that hold a report, and the Job of another
resource that inspects the same pair. Both carry the pair's name as a label, so an operator that
starts finds all of it in its first listing. Nothing is shared between namespaces, nor between
resources that may read their sources with other credentials.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from tandem_operator.api import defaults, names, uri
from tandem_operator.api.spec.model_source import ModelSource, TokenizerSource
from tandem_operator.api.uri import Scheme
from tandem_operator.engines.interface.installation import Installation
from tandem_operator.planning.lock import report as lock_report
from tandem_operator.planning.lock import request as lock_request
from tandem_operator.planning.lock.report import Outcome
from tandem_operator.planning.plan import Sharing
from tandem_operator.planning.pod import sources
from tandem_operator.planning.resource import Resource
from tandem_operator.workloads.pods import controller
from tandem_runtime.contract import report as pair_report
from tandem_runtime.contract import request
from tandem_runtime.contract.fields import ContractError
from tandem_runtime.contract.report import PairReport

Object = dict[str, Any]

COMMIT = re.compile(r"[0-9a-f]{40}")
IMAGE_DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Elsewhere:
    """Another resource's Job inspects, or inspected, the same pair."""

    sharing: Sharing
    job: Object
    outcome: Outcome


def pair(resource: Resource, installation: Installation) -> str | None:
    """The name of the resource's pair: 16 hex digits; None where a source may change.

    Equal for two resources of a namespace when a Job could not tell them apart: the same request
    about full commits and image digests, the same release of the lock, the same hub, and the same
    credentials.
    """
    spec = resource.spec
    sides = sources.sides(spec)
    read: list[ModelSource | TokenizerSource] = [*sides.values()]
    read += [side.tokenizer for side in sides.values() if side.tokenizer is not None]
    if not all(_is_immutable(source.uri, defaults.revision(source)) for source in read):
        return None
    return names.digest(
        {
            "lock": installation.runtime_image,
            "hub": installation.hub_endpoint,
            "request": request.render(lock_request.made(resource, {})),
            "secrets": {side: source.secret_name for side, source in sides.items()},
            "pullSecrets": list(spec.image_pull_secrets),
            "serviceAccount": spec.service_account_name,
        }
    )


def known(pair_name: str, alike: Collection[Object]) -> PairReport | None:
    """The report of a revision that locked this pair."""
    for raw in alike:
        if raw["kind"] != "ControllerRevision" or not _is_childs(raw):
            continue
        data = raw.get("data", {})
        if data.get("pair") != pair_name:
            continue
        try:
            report = pair_report.from_document(data.get("report"))
        except ContractError:
            continue  # a later release wrote it; its own lock has another name
        if isinstance(report, PairReport):
            return report
    return None


def elsewhere(
    resource: Resource, pair_name: str, scheduling_name: str, alike: Collection[Object]
) -> Elsewhere | None:
    """Another resource's Job that inspects this pair; the oldest, where chance made two.

    One that is scheduled otherwise is not waited for: it may never run.
    """
    jobs = [
        raw
        for raw in alike
        if raw["kind"] == "Job"
        and _is_childs(raw)
        and _owner(raw) != resource.name
        and "deletionTimestamp" not in raw["metadata"]
        and _annotation(raw, names.ANNOTATION_LOCK_SCHEDULING) == scheduling_name
    ]
    if not jobs:
        return None
    job = min(jobs, key=lambda raw: (raw["metadata"].get("creationTimestamp", ""), _owner(raw)))
    pods = (raw for raw in alike if raw["kind"] == "Pod")
    return Elsewhere(Sharing(pair_name, _owner(job)), job, lock_report.read(job, pods))


def pair_of(job: Object) -> str | None:
    """The pair that a Job was made for; None where its sources may change."""
    pair_hash: str | None = job["metadata"].get("labels", {}).get(names.LABEL_PAIR)
    return pair_hash


def _is_immutable(source_uri: str, revision: str | None) -> bool:
    parts = uri.parse(source_uri)
    if parts.scheme is Scheme.HF:
        return revision is not None and COMMIT.fullmatch(revision) is not None
    return parts.scheme is Scheme.OCI and IMAGE_DIGEST.fullmatch(parts.authority) is not None


def _is_childs(raw: Object) -> bool:
    """Whether a SpeculativeDeployment controls the object: others' words count for nothing."""
    owner = controller(raw)
    return (
        owner is not None
        and owner.get("kind") == names.KIND
        and str(owner.get("apiVersion", "")).partition("/")[0] == names.GROUP
    )


def _annotation(raw: Object, name: str) -> str | None:
    value: str | None = (raw["metadata"].get("annotations") or {}).get(name)
    return value


def _owner(raw: Object) -> str:
    owner = controller(raw) or {}
    return str(owner.get("name"))
