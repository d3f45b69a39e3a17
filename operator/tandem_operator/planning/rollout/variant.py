"""The form of a locked pair without its draft, beside its revision.

It is a ControllerRevision of its own, rendered once by the release that needed it first, so that a
new release rolls no pod. Its lock is the revision's: the same files, verified by the same digests.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tandem_operator.api import names
from tandem_operator.engines.interface.driver import Driver
from tandem_operator.engines.interface.installation import Installation
from tandem_operator.planning import ownership
from tandem_operator.planning.children.revision import Revision
from tandem_operator.planning.observed_objects import ObservedObjects
from tandem_operator.planning.pod import template as pod_template
from tandem_operator.planning.resource import Resource

Object = dict[str, Any]

FORMAT = "variant/1"
"""No number, so that a release that knows no variants does not take one for a locked input."""


def name_of(resource: Resource, revision: Revision) -> str:
    """Its name."""
    told = names.digest({"inputHash": revision.input_hash, "form": "WithoutDraft"})
    return names.controller_revision(resource.name, told)


def stored(resource: Resource, revision: Revision, observed: ObservedObjects) -> Revision | None:
    """The revision with that form's pods; None: it is not stored."""
    held = observed.ours("ControllerRevision", name_of(resource, revision))
    data = (held or {}).get("data", {})
    if data.get("version") != FORMAT or data.get("inputHash") != revision.input_hash:
        return None
    return of(revision, data)


def of(revision: Revision, data: Object) -> Revision:
    """The revision with the pods of that form's ``data``."""
    return replace(
        revision, template=data["template"], tiers=tuple(data["tiers"]), config=data["config"]
    )


def body(
    resource: Resource,
    revision: Revision,
    driver: Driver,
    installation: Installation,
) -> Object:
    """The ControllerRevision, rendered from the accepted spec with the runtime of the revision."""
    template, parts = pod_template.render(
        resource,
        revision.lock,
        revision.report,
        driver,
        replace(installation, runtime_image=revision.runtime_image),
        without_speculation=True,
    )
    # Without the label of the lock: whoever looks for the revision of a lock finds the one of it.
    labels = {names.LABEL_DEPLOYMENT: resource.name}
    name = name_of(resource, revision)
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": ownership.metadata(resource, "ControllerRevision", name, labels),
        "revision": revision.number,
        "data": {
            "version": FORMAT,
            "inputHash": revision.input_hash,
            "template": template,
            "tiers": list(parts.tiers),
            "config": {each.name: dict(each.files) for each in parts.config},
        },
    }


def outlived(observed: ObservedObjects, revisions: tuple[Revision, ...]) -> list[Object]:
    """Stored forms of revisions that are no longer kept."""
    kept = {each.input_hash for each in revisions}
    return [
        held
        for held in observed.all_ours("ControllerRevision")
        if held.get("data", {}).get("version") == FORMAT and held["data"]["inputHash"] not in kept
    ]
