"""Whether this user may do what the commands and a manifest need."""

from __future__ import annotations

from collections.abc import Iterator

from tandem_operator.api import names
from tandem_operator.cli.doctor.finding import Finding, Level
from tandem_operator.cli.doctor.reader import NotAllowedError, Object, Reader

CHECK = "your rights"
PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
READ, WRITE = ("get", "list"), ("create", "patch")


def check(reader: Reader) -> Iterator[Finding]:
    """Reading is needed by the commands, writing only to apply manifests."""
    namespace = reader.cluster.namespace
    for verbs, missing in ((READ, Level.WRONG), (WRITE, Level.WARNING)):
        try:
            refused = [verb for verb in verbs if not _may(reader, namespace, verb)]
        except NotAllowedError as problem:
            yield Finding(CHECK, Level.UNKNOWN, str(problem))
            return
        what = f"{names.PLURAL} in namespace {namespace}"
        if refused:
            remedy = "ask who rules the namespace for a role with these verbs"
            yield Finding(CHECK, missing, f"you may not {', '.join(refused)} {what}", remedy)
        else:
            yield Finding(CHECK, Level.OK, f"you may {', '.join(verbs)} {what}")


def _may(reader: Reader, namespace: str, verb: str) -> bool:
    attributes = {
        "namespace": namespace,
        "verb": verb,
        "group": names.GROUP,
        "resource": names.PLURAL,
    }
    review: Object = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    return bool(reader.create(PATH, review).get("status", {}).get("allowed"))
