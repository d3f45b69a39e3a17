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
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.installation import Installation
from tandem_operator.engines.interface.pair_validation import Warned
from tandem_operator.planning import resource
from tandem_operator.planning.children import disruption_budget, engine_pods, service
from tandem_operator.planning.children.config_maps import engine_config, table
from tandem_operator.planning.children.revisions import new_revision, revision
from tandem_operator.planning.children.revisions.revision import Revision
from tandem_operator.planning.lock import assessment
from tandem_operator.planning.lock import job as lock_job
from tandem_operator.planning.pod import devices, sources
from tandem_operator.planning.pod import merge as template_merge
from tandem_operator.planning.pod import template as pod_template
from tandem_operator.planning.resource import Resource
from tandem_operator.planning.status import depth_notes
from tandem_runtime.contract.report import PairReport, SideReport
from tandem_runtime.contract.request import DRAFT, TARGET

Object = dict[str, Any]

UNKNOWN = "unknown until it is locked"
EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Preview:
    """``first`` is made at once, ``locked`` once the lock allows the pair.

    ``notes`` tell the depths of the spec that are taken down to others, ``template`` what
    else than ``refusals`` is wrong with spec.template (None without one).
    """

    name: str
    namespace: str
    input_hash: str
    effective: Effective
    refusals: tuple[FieldError, ...]
    warnings: tuple[Warned, ...]
    first: tuple[Object, ...]
    locked: tuple[Object, ...]
    notes: tuple[str, ...] = ()
    template: tuple[str, ...] | None = None


def resource_of(manifest: Object, namespace: str) -> Resource:
    """The resource that a manifest would become. Raises resource.UnreadableSpecError."""
    metadata = manifest["metadata"]
    return resource.parse(
        {
            **manifest,
            "metadata": {
                "uid": "set by the API server",
                "generation": 1,
                "creationTimestamp": EPOCH,
                **metadata,
                "namespace": metadata.get("namespace") or namespace,
            },
        }
    )


def of(
    wanted: Resource, installation: Installation, template_faults: tuple[str, ...] | None = None
) -> Preview:
    """The preview of a resource, the lock's outcome taken to be good.

    `template_faults` are those of the pod's schema, each with its field first; None where there is
    no spec.template.
    """
    driver = registry.driver(wanted.spec.engine.type)
    refusals = (
        *registry.refusals(driver, wanted.spec),
        *sources.validate(wanted.spec),
        *template_merge.validate(wanted.spec.template, driver.owned_env),
        *devices.validate(driver, wanted.spec),
    )
    fields = tuple(refusal.field for refusal in refusals)
    template = template_faults
    if template is not None and fields:
        template = tuple(fault for fault in template if not fault.startswith(fields))
    first: tuple[Object, ...] = ()
    locked: tuple[Object, ...] = ()
    notes: tuple[str, ...] = ()
    if not (refusals or template):
        first = (lock_job.body(wanted, installation),)
        made = _made(wanted, installation)
        locked = (revision.body(wanted, made), *_children(wanted, made))
        notes = depth_notes.messages(wanted.spec, made.tiers)
    return Preview(
        wanted.name,
        wanted.namespace,
        wanted.input_hash,
        wanted.values,
        refusals,
        driver.warn(wanted.spec),
        first,
        locked,
        notes,
        template,
    )


def _made(wanted: Resource, installation: Installation) -> Revision:
    driver = registry.driver(wanted.spec.engine.type)
    report = _assumed(wanted)
    mounted = sources.mounted(wanted.spec, pod_template.FOLDERS)
    assessed = assessment.assess(
        report, wanted.spec.speculation.method.value, mounted.paths, wanted.values.lock_policy
    )
    assert assessed.lock is not None
    return new_revision.made(
        wanted, report, assessed.lock, driver, installation, number=1, locked_at=EPOCH
    )


def _children(wanted: Resource, made: Revision) -> list[Object]:
    children = [
        table.body(wanted, table.wanted(wanted, made, None, None)),
        *engine_config.bodies(wanted, made),
        service.body(wanted, service.port_of(made.template)),
        engine_pods.body(wanted, made),
    ]
    return [*children, *disruption_budget.bodies(wanted, made.workers)]


def _assumed(wanted: Resource) -> PairReport:
    sides = {
        side: SideReport(uri=source.uri, revision=defaults.revision(source), files_digest=UNKNOWN)
        for side, source in sources.sides(wanted.spec).items()
    }
    return PairReport(
        verdict="Compatible",
        reason="Equal" if DRAFT in sides else "NoDraft",
        allowed=True,
        message=f"assumed for {names.KIND} {wanted.name}",
        target=sides[TARGET],
        draft=sides.get(DRAFT),
    )
