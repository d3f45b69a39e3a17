"""The API server's answer to one resource: what it would store, or every reason against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tandem_operator.api import names
from tandem_operator.cli.admission import rules, schema
from tandem_operator.cli.admission.sentences import sentences

Object = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """``stored`` has its defaults and no status; it means something only without faults."""

    stored: Object
    faults: tuple[str, ...] = ()


def to(manifest: Object) -> Answer:
    """The answer to a resource that is created with these words."""
    version = manifest.get("apiVersion")
    if version != names.API_VERSION:
        return Answer(manifest, (f"apiVersion is {version!r}: use {names.API_VERSION}",))
    metadata = manifest.get("metadata")
    if isinstance(metadata, dict) and "generateName" in metadata and "name" not in metadata:
        message = "metadata.generateName: kubectl apply needs a name: write metadata.name"
        return Answer(manifest, (message,))
    root = schema.root()
    resource = schema.prepared(manifest, root)
    broken = [
        error
        for error in schema.errors(resource, root)
        # Status is dropped where an object is created, but for its names of fields.
        if next(iter(error.absolute_path), None) != "status"
        or error.validator == "additionalProperties"
    ]
    faults = [sentence for error in broken for sentence in sentences(error)]
    # A number that CEL has no integer for would fail every rule; its range is told already.
    beyond = any(
        error.validator in ("minimum", "maximum")
        and isinstance(error.instance, int | float)
        and abs(error.instance) >= 2**63
        for error in broken
    )
    if not beyond and not any(error.validator in schema.BLOCKING for error in broken):
        faults += [
            # The root's rules are about metadata, and name the field themselves.
            f"{each.path.removeprefix('.')}: {each.message}" if each.path else each.message
            for each in rules.broken(root, resource)
        ]
    stored = {key: value for key, value in resource.items() if key != "status"}
    return Answer(stored, tuple(dict.fromkeys(faults)))
