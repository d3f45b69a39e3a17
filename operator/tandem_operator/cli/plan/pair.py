"""The pair of a manifest, inspected before there is a cluster: folders stand for what it names."""

from __future__ import annotations

from collections.abc import Mapping

from tandem_operator.api import uri
from tandem_operator.api.uri import Scheme
from tandem_operator.cli import pair_inspection
from tandem_operator.cli.pair_inspection import Inspection, InspectionError
from tandem_operator.planning.lock import request as lock_request
from tandem_operator.planning.pod import sources
from tandem_operator.planning.resource import Resource

MOUNTED = (Scheme.PVC, Scheme.OCI)
"""Sources that the kubelet mounts: only a folder can stand for them here."""


def inspect(resource: Resource, paths: Mapping[str, str]) -> Inspection:
    """Inspect the pair as the lock Job would; `paths` are local folders (or files) by side.

    A side without a path is brought from where the manifest says. Raises InspectionError.
    """
    sides = sources.sides(resource.spec)
    for side in paths.keys() - sides:
        raise InspectionError(f"--{side}: the manifest has no {side}: leave it out")
    for side, source in sides.items():
        if side not in paths and uri.parse(source.uri).scheme in MOUNTED:
            raise InspectionError(
                f"{side}: {source.uri} is mounted in a cluster alone: name a folder with its files "
                f"by --{side}"
            )
    asked = lock_request.made(resource, dict(paths))
    return pair_inspection.judged(pair_inspection.report(asked), asked, resource.spec)
