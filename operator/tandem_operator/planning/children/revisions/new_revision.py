"""An accepted input as a revision: rendered once, by the release that accepts it."""

from __future__ import annotations

import json

from tandem_operator.api import names
from tandem_operator.engines.interface.driver import Driver
from tandem_operator.engines.interface.installation import Installation
from tandem_operator.planning.children.revisions.revision import Revision
from tandem_operator.planning.pod import template as pod_template
from tandem_operator.planning.pod import worker as worker_pod
from tandem_operator.planning.resource import Resource
from tandem_operator.workloads.base import Rollout
from tandem_runtime.contract.pod_lock import PodLock
from tandem_runtime.contract.report import PairReport


def made(
    resource: Resource,
    report: PairReport,
    lock: PodLock,
    driver: Driver,
    installation: Installation,
    *,
    number: int,
    locked_at: str,
) -> Revision:
    """The present input as a revision."""
    spec = resource.spec
    rendered, parts = pod_template.render(resource, lock, report, driver, installation)
    return Revision(
        input_hash=resource.input_hash,
        shape=json.loads(json.dumps(names.pod_shaping(spec))),
        lock=lock,
        report=report,
        locked_at=locked_at,
        runtime_image=installation.runtime_image,
        template=rendered,
        rollout=Rollout(
            max_unavailable=spec.rollout.max_unavailable,
            max_surge=spec.rollout.max_surge,
            progress_deadline_s=spec.progress_deadline_seconds,
            min_ready_s=spec.min_ready_seconds,
        ),
        max_tokens=spec.speculation.max_tokens,
        tiers=parts.tiers,
        number=number,
        config={each.name: dict(each.files) for each in parts.config},
        workers=worker_pod.render(resource, lock, report, driver, installation),
    )
