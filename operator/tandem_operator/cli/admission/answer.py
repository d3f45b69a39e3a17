"""The API server's answer to one resource: nothing, or every reason why it is refused."""

from __future__ import annotations

from typing import Any

from tandem_operator.api import names
from tandem_operator.cli.admission import rules, schema
from tandem_operator.cli.admission.sentences import sentences

Object = dict[str, Any]


def faults_of(manifest: Object) -> list[str]:
    """Why the resource would not be stored, as sentences; empty for one that would be."""
    found = manifest.get("apiVersion")
    if found != names.API_VERSION:
        return [f"apiVersion is {found!r}: use {names.API_VERSION}"]
    metadata = manifest.get("metadata")
    if isinstance(metadata, dict) and "generateName" in metadata and "name" not in metadata:
        return ["metadata.generateName: kubectl apply needs a name: write metadata.name"]
    root = schema.root()
    resource = schema.prepared(manifest, root)
    broken = [
        error
        for error in schema.errors(resource, root)
        # Status is dropped where an object is created, but for its names of fields.
        if next(iter(error.absolute_path), None) != "status"
        or error.validator == "additionalProperties"
    ]
    told = [sentence for error in broken for sentence in sentences(error)]
    if not any(error.validator in schema.BLOCKING for error in broken):
        told += [
            # The root's rules are about metadata, and name the field themselves.
            f"{each.path.removeprefix('.')}: {each.message}" if each.path else each.message
            for each in rules.broken(root, resource)
        ]
    return list(dict.fromkeys(told))
