"""A form of a locked pair beside its revision: without its draft, or with another K.

It is a ControllerRevision of its own, rendered once by the release that needed it first, so that a
new release rolls no pod. Its lock is the revision's: the same files, verified by the same digests.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tandem_operator.api import names
from tandem_operator.engines.interface.driver import Driver
from tandem_operator.engines.interface.installation import Installation
from tandem_operator.planning import ownership
from tandem_operator.planning.children.revisions.revision import Revision
from tandem_operator.planning.observed_objects import ObservedObjects
from tandem_operator.planning.pod import template as pod_template
from tandem_operator.planning.resource import Resource
from tandem_runtime.contract import paths

Object = dict[str, Any]

FORMAT = "variant/1"
"""No number, so that a release that knows no variants does not take one for a locked input."""


def name_of(resource: Resource, revision: Revision, tokens: int) -> str:
    """Its name; with 0 tokens it has no draft."""
    form = {"form": "Tokens", "tokens": tokens} if tokens else {"form": "WithoutDraft"}
    digest = names.digest({"inputHash": revision.input_hash, **form})
    return names.controller_revision(resource.name, digest)


def stored(
    resource: Resource, revision: Revision, tokens: int, observed: ObservedObjects
) -> Revision | None:
    """The revision with that form's pods; None: it is not stored."""
    existing = observed.ours("ControllerRevision", name_of(resource, revision, tokens))
    data = (existing or {}).get("data", {})
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
    tokens: int,
    driver: Driver,
    installation: Installation,
) -> Object:
    """The ControllerRevision, rendered from the accepted spec with the runtime of the revision."""
    template, parts = pod_template.render(
        _with_tokens(resource, tokens) if tokens else resource,
        revision.lock,
        revision.report,
        driver,
        replace(installation, runtime_image=revision.runtime_image),
        without_speculation=tokens == 0,
    )
    if tokens:
        template = _of_the_same_engine(template, revision)
    # Without the label of the lock: whoever looks for the revision of a lock finds the one of it.
    labels = {names.LABEL_DEPLOYMENT: resource.name}
    name = name_of(resource, revision, tokens)
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


def _with_tokens(resource: Resource, tokens: int) -> Resource:
    """The resource as if K were this one; what it is locked as stays."""
    speculation = resource.spec.speculation
    first = speculation.initial_tokens
    changed = speculation.model_copy(
        update={"max_tokens": tokens, "initial_tokens": None if first is None else tokens}
    )
    spec = resource.spec.model_copy(update={"speculation": changed})
    return replace(resource, spec=spec, locked_as=resource.input_hash)


def _of_the_same_engine(template: Object, revision: Revision) -> Object:
    """What was learned with one K holds for another: only arguments differ, and they say so."""
    main = next(
        each
        for each in revision.template["spec"]["containers"]
        if each["name"] == paths.CONTAINER_MAIN
    )
    metadata = template["metadata"]
    added = {names.ANNOTATION_ARGUMENTS: json.dumps(main["args"])}
    annotations = {**metadata.get("annotations", {}), **added}
    return {**template, "metadata": {**metadata, "annotations": annotations}}


def outlived(
    resource: Resource,
    observed: ObservedObjects,
    revisions: tuple[Revision, ...],
    depths: Mapping[str, frozenset[int]],
) -> list[Object]:
    """Stored forms of revisions that are no longer kept, and those with a K that is not used.

    ``depths`` are the K in use by input hash; of a revision that it does not name all stay.
    """
    kept = {each.input_hash: each for each in revisions}
    gone = []
    for revision_object in observed.all_ours("ControllerRevision"):
        data = revision_object.get("data", {})
        if data.get("version") != FORMAT:
            continue
        revision = kept.get(data["inputHash"])
        if revision is None:
            gone.append(revision_object)
        elif revision.input_hash in depths:
            used = {
                name_of(resource, revision, tokens) for tokens in (0, *depths[revision.input_hash])
            }
            if revision_object["metadata"]["name"] not in used:
                gone.append(revision_object)
    return gone
