"""The operator's own pods: do they run, can their images be had, who leads, do metrics answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from tandem_operator.cli.doctor.finding import Finding, Level
from tandem_operator.cli.doctor.reader import NotAllowedError, Object, Reader

SELECTOR = "app.kubernetes.io/name=tandem"
PORT = 8080
IMAGE_REASONS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
INSTALL = "install the chart, see the README"


def check(reader: Reader, namespace: str | None) -> Iterator[Finding]:
    """Pods, images, Lease, metrics; without pods the rest is not checked."""
    place = f"/api/v1/namespaces/{namespace}/pods" if namespace else "/api/v1/pods"
    try:
        pods = [pod for pod in reader.items(place, labelSelector=SELECTOR) if _operator(pod)]
    except NotAllowedError as refused:
        remedy = "name its namespace with --operator-namespace"
        yield Finding("operator", Level.UNKNOWN, str(refused), "" if namespace else remedy)
        return
    if not pods:
        where = f"namespace {namespace}" if namespace else "any namespace"
        yield Finding("operator", Level.WRONG, f"no pod of an operator in {where}", INSTALL)
        return
    yield from images("operator's image", pods)
    ready = [pod for pod in pods if is_ready(pod)]
    message = f"{len(ready)} of {len(pods)} pods are ready in {pods[0]['metadata']['namespace']}"
    if not ready:
        remedy = "kubectl logs --selector=app.kubernetes.io/name=tandem says why"
        yield Finding("operator", Level.WRONG, message, remedy)
        return
    yield Finding("operator", Level.OK if len(ready) == len(pods) else Level.WARNING, message)
    yield _lease(reader, ready)
    yield _metrics(reader, ready[0])


def images(check_name: str, pods: Iterable[Object]) -> Iterator[Finding]:
    """Whether the images of these pods can be had: wrong where one cannot, else ok."""
    seen: set[str] = set()
    for pod in pods:
        for one in _statuses(pod):
            seen.add(one["image"])
            waiting = (one.get("state") or {}).get("waiting") or {}
            if waiting.get("reason") in IMAGE_REASONS:
                message = (
                    f"{one['image']}: {waiting['reason']}, {waiting.get('message', '')}".strip(", ")
                )
                remedy = "push it where nodes can pull it, and set imagePullSecrets where it asks"
                yield Finding(check_name, Level.WRONG, message, remedy)
                return
    if seen:
        yield Finding(check_name, Level.OK, ", ".join(sorted(seen)))


def is_ready(pod: Object) -> bool:
    """Whether the pod is Ready and stays."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def _operator(pod: Object) -> bool:
    return any(one["name"] == "operator" for one in pod["spec"]["containers"])


def _statuses(pod: Object) -> Iterator[Object]:
    for key in ("initContainerStatuses", "containerStatuses"):
        yield from (pod.get("status") or {}).get(key) or ()


def _environment(pod: Object) -> dict[str, str]:
    container = next(one for one in pod["spec"]["containers"] if one["name"] == "operator")
    return {each["name"]: each.get("value", "") for each in container.get("env") or ()}


def _lease(reader: Reader, ready: list[Object]) -> Finding:
    namespace = ready[0]["metadata"]["namespace"]
    name = _environment(ready[0]).get("TANDEM_LEASE", "tandem")
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}"
    try:
        lease = reader.get(path)
    except NotAllowedError as refused:
        return Finding("leader", Level.UNKNOWN, str(refused))
    spec = (lease or {}).get("spec") or {}
    if not spec.get("holderIdentity") or not spec.get("renewTime"):
        message = f"nobody holds the Lease {name} in {namespace}"
        return Finding(
            "leader", Level.WRONG, message, "nothing is written until one does; see its logs"
        )
    age_s = (datetime.now(UTC) - datetime.fromisoformat(spec["renewTime"])).total_seconds()
    message = f"{spec['holderIdentity']} leads, by the Lease {name} renewed {age_s:.0f} s ago"
    if age_s > 2 * float(spec.get("leaseDurationSeconds", 15)):
        return Finding("leader", Level.WRONG, message, "the leader is gone and no other took over")
    return Finding("leader", Level.OK, message)


def _metrics(reader: Reader, pod: Object) -> Finding:
    metadata = pod["metadata"]
    place = (
        f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}:{PORT}/proxy/metrics"
    )
    try:
        page = reader.text(place)
    except NotAllowedError as refused:
        return Finding("operator's metrics", Level.UNKNOWN, str(refused))
    if page is None or "tandem_" not in page:
        message = f"{metadata['name']}:{PORT}/metrics is no page of the operator"
        return Finding(
            "operator's metrics", Level.WRONG, message, "is another program on that port?"
        )
    count = sum(1 for line in page.splitlines() if line and not line.startswith("#"))
    return Finding("operator's metrics", Level.OK, f"{count} samples at port {PORT}")
