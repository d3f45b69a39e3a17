"""What would be made of a manifest, for whoever asks before there is a cluster.

Used by the command line alone. The lock's outcome is taken to be good; what only the lock can
know (hash, revisions) is shown as asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tandem_operator.api import defaults, names
from tandem_operator.api.defaults import Effective
from tandem_operator.engines import registry
from tandem_operator.engines.refusal import Refusal
from tandem_operator.pair import judgement
from tandem_operator.planning import (
    deployment,
    disruption_budget,
    lock_job,
    new_revision,
    pod_template,
    resource,
    revision,
    service,
    sources,
    table,
    template,
)
from tandem_operator.planning.resource import Resource
from tandem_operator.planning.revision import Revision
from tandem_operator.planning.snapshot import Installation
from tandem_runtime.contract.report import PairReport, SideReport

Object = dict[str, Any]

UNKNOWN = "unknown until it is locked"
EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Preview:
    """``first`` is made at once, ``locked`` once the lock allows the pair."""

    name: str
    namespace: str
    input_hash: str
    effective: Effective
    refusals: tuple[Refusal, ...]
    first: tuple[Object, ...]
    locked: tuple[Object, ...]


def of(manifest: Object, namespace: str, installation: Installation) -> Preview:
    """The preview of a manifest whose spec the schema accepts."""
    metadata = manifest["metadata"]
    wanted = resource.parse(
        {
            **manifest,
            "metadata": {
                "namespace": namespace,
                "uid": "set by the API server",
                "generation": 1,
                "creationTimestamp": EPOCH,
                **metadata,
            },
        }
    )
    driver = registry.driver(wanted.spec.engine.type)
    refusals = (
        *driver.judge(wanted.spec),
        *sources.judge(wanted.spec),
        *template.judge(wanted.spec.template, driver.owned_env),
    )
    first: tuple[Object, ...] = ()
    locked: tuple[Object, ...] = ()
    if not refusals:
        first = (lock_job.body(wanted, installation),)
        locked = _locked(wanted, installation)
    return Preview(
        wanted.name,
        wanted.namespace,
        wanted.input_hash,
        wanted.values,
        refusals,
        first,
        locked,
    )


def _locked(wanted: Resource, installation: Installation) -> tuple[Object, ...]:
    driver = registry.driver(wanted.spec.engine.type)
    report = _assumed(wanted)
    mounted = sources.mounted(wanted.spec, pod_template.FOLDERS)
    judged = judgement.judge(
        report, wanted.spec.speculation.method.value, mounted.paths, wanted.values.lock_policy
    )
    assert judged.lock is not None
    made = new_revision.made(
        wanted, report, judged.lock, driver, installation, number=1, locked_at=EPOCH
    )
    children: list[Object] = [revision.body(wanted, made), *_children(wanted, made)]
    return tuple(children)


def _children(wanted: Resource, made: Revision) -> list[Object]:
    children = [
        table.body(wanted, table.wanted(wanted, made, None, None)),
        service.body(wanted, deployment.port(made.template)),
        deployment.body(wanted, made),
    ]
    if disruption_budget.wanted(wanted):
        children.append(disruption_budget.body(wanted))
    return children


def _assumed(wanted: Resource) -> PairReport:
    sides = {
        side: SideReport(uri=source.uri, revision=defaults.revision(source), files_digest=UNKNOWN)
        for side, source in sources.sides(wanted.spec).items()
    }
    return PairReport(
        verdict="Compatible",
        reason="Equal" if sources.DRAFT in sides else "NoDraft",
        allowed=True,
        message=f"assumed for {names.KIND} {wanted.name}",
        target=sides[sources.TARGET],
        draft=sides.get(sources.DRAFT),
    )
