"""Which revision serves: it moves when a rollout is done, not when one begins."""

from __future__ import annotations

from tandem_operator.api import names
from tandem_operator.api.status import LockedSource, MemoryBytes, Pair, Parameters
from tandem_operator.planning import workload
from tandem_operator.planning.children.revisions.revision import Revision
from tandem_operator.planning.observed_objects import ObservedObjects
from tandem_operator.planning.resource import Resource
from tandem_operator.workloads.pods import is_ready
from tandem_runtime.contract.report import SideReport


def find(
    resource: Resource,
    observed: ObservedObjects,
    revisions: tuple[Revision, ...],
    current: Revision | None,
    *,
    rolled_out: bool,
) -> Revision | None:
    """The revision of the pods that serve. Without a status it is read off the ready pods."""
    if current is None or rolled_out:
        return current
    ready = {
        pod["metadata"].get("labels", {}).get(names.LABEL_LOCK)
        for pod in workload.pods(resource.name, observed)
        if is_ready(pod)
    }
    earlier = resource.status.pair
    known = None
    if earlier is not None:
        known = next(
            (revision for revision in revisions if revision.input_hash == earlier.input_hash), None
        )
    if known is not None and (not ready or known.lock_hash in ready):
        return known
    return next((revision for revision in revisions if revision.lock_hash in ready), known)


def pair(revision: Revision) -> Pair:
    """The revision as `status.pair`."""
    report = revision.report
    target, draft = report.target, report.draft
    return Pair(
        input_hash=revision.input_hash,
        target=LockedSource(uri=target.uri, revision=target.revision),
        draft=None if draft is None else LockedSource(uri=draft.uri, revision=draft.revision),
        tokenizer_digest=target.tokenizer_digest,
        verdict=report.verdict,
        reason=report.reason,
        locked_at=revision.locked_at,
        parameters=Parameters(
            target=target.parameters, draft=None if draft is None else draft.parameters
        ),
        memory_bytes=MemoryBytes(
            target=target.weight_bytes,
            draft=None if draft is None else draft.weight_bytes,
            kv_per_token=_cache_bytes(target, draft),
        ),
        mixture_of_experts=target.mixture_of_experts is not None,
    )


def _cache_bytes(target: SideReport, draft: SideReport | None) -> int | None:
    sides = [target] if draft is None else [target, draft]
    sizes = [side.kv_bytes_per_token for side in sides]
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None
