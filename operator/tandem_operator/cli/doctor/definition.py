"""Whether the cluster knows the resource, in the form of this release."""

from __future__ import annotations

from collections.abc import Iterator

from tandem_operator.api import crd, names
from tandem_operator.cli.doctor.finding import Finding, Level
from tandem_operator.cli.doctor.reader import NotAllowedError, Object, Reader

CHECK = "definition"
PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
INSTALL = "helm upgrade --install with crds.install=true, or kubectl apply --server-side -f crds/"


def check(reader: Reader) -> Iterator[Finding]:
    """Installed, established, and with the fields of this release."""
    try:
        definition = reader.get(f"{PATH}/{names.CRD_NAME}")
    except NotAllowedError as refused:
        yield Finding(CHECK, Level.UNKNOWN, str(refused))
        return
    if definition is None:
        yield Finding(CHECK, Level.WRONG, f"there is no {names.CRD_NAME}", INSTALL)
        return
    versions = {each["name"]: each for each in definition["spec"]["versions"]}
    if not versions.get(names.VERSION, {}).get("served"):
        message = f"{names.CRD_NAME} does not serve {names.VERSION}"
        yield Finding(CHECK, Level.WRONG, message, INSTALL)
        return
    wanted = next(
        each for each in crd.definition()["spec"]["versions"] if each["name"] == names.VERSION
    )
    differing = sorted(_differing(versions[names.VERSION], wanted))
    if differing:
        message = f"{names.CRD_NAME} is of another release than this command, in {differing[0]}"
        yield Finding(CHECK, Level.WARNING, message, INSTALL)
    else:
        yield Finding(CHECK, Level.OK, f"{names.CRD_NAME} {names.VERSION}, of this release")


def _differing(installed: Object, wanted: Object) -> Iterator[str]:
    """Fields that one of the two has alone, at any depth."""
    yield from _fields(
        installed["schema"]["openAPIV3Schema"], wanted["schema"]["openAPIV3Schema"], ""
    )


def _fields(installed: Object, wanted: Object, path: str) -> Iterator[str]:
    ours, theirs = wanted.get("properties") or {}, installed.get("properties") or {}
    for name in ours.keys() | theirs.keys():
        if name not in ours or name not in theirs:
            yield f"{path}{name}"
        else:
            yield from _fields(theirs[name], ours[name], f"{path}{name}.")
