"""The engine pods of the namespace: images, metrics, plugin, and the table that is in force."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from tandem_operator.api import names
from tandem_operator.api.spec import Spec
from tandem_operator.api.status import LiveMode
from tandem_operator.cli.doctor import installation
from tandem_operator.cli.doctor.finding import Finding, Level
from tandem_operator.cli.doctor.reader import NotAllowedError, Object, Reader
from tandem_operator.engines.interface import nodes
from tandem_operator.engines.registry import driver
from tandem_operator.metrics import page as pages
from tandem_operator.metrics.replicas import page_of
from tandem_operator.workloads.leader_worker_set import INSTALL, LEADER_WORKER_SET
from tandem_runtime.contract.metrics import APPLIED_GENERATION

PREFIX = APPLIED_GENERATION.partition(":")[0]


def check(reader: Reader) -> Iterator[Finding]:
    """The checks of each resource of the namespace."""
    namespace = reader.cluster.namespace
    place = f"/apis/{names.API_VERSION}/namespaces/{namespace}/{names.PLURAL}"
    try:
        resources = reader.items(place)
    except NotAllowedError as refused:
        yield Finding("resources", Level.UNKNOWN, str(refused))
        return
    if not resources:
        message = f"no resource in namespace {namespace}"
        yield Finding("resources", Level.OK, message)
    for raw in resources:
        yield from _of(reader, raw)


def _of(reader: Reader, raw: Object) -> Iterator[Finding]:
    name, namespace = raw["metadata"]["name"], raw["metadata"]["namespace"]
    check_name = f"{namespace}/{name}"
    place = f"/api/v1/namespaces/{namespace}/pods"
    try:
        pods = reader.items(place, labelSelector=f"{names.LABEL_DEPLOYMENT}={name}")
    except NotAllowedError as refused:
        yield Finding(check_name, Level.UNKNOWN, str(refused))
        return
    yield from installation.images(check_name, pods)
    yield from _groups(reader, check_name, raw)
    engines = [pod for pod in pods if _role(pod) == names.ROLE_ENGINE]
    ready = [pod for pod in engines if installation.is_ready(pod)]
    wanted = raw["spec"].get("replicas", 1)
    if len(ready) < wanted:
        message = f"{len(ready)} of {wanted} replicas are ready"
        remedy = f"tandem status {name} says why"
        yield Finding(check_name, Level.WARNING, message, remedy)
    speculation = (raw.get("status") or {}).get("speculation") or {}
    for pod in ready:
        yield _metrics(reader, check_name, pod, speculation)


def _groups(reader: Reader, check_name: str, raw: Object) -> Iterator[Finding]:
    """Whether the cluster serves the kind of replicas of several pods, where one is asked for."""
    try:
        spec = Spec.model_validate(raw["spec"])
    except ValidationError:
        return  # of another release, which the check of the definition tells
    pods = nodes.of(driver(spec.engine.type), spec)
    if pods == 1:
        return
    kind = LEADER_WORKER_SET
    try:
        served = reader.get(f"/apis/{kind.api_version}")
    except NotAllowedError as refused:
        yield Finding(check_name, Level.UNKNOWN, f"{kind.kind}: {refused}")
        return
    if served is None:
        message = f"a replica is {pods} pods, and this cluster has no {kind.kind}"
        yield Finding(check_name, Level.WRONG, message, INSTALL)


def _role(pod: Object) -> str | None:
    role: str | None = (pod["metadata"].get("labels") or {}).get(names.LABEL_ROLE)
    return role


def _metrics(reader: Reader, check_name: str, pod: Object, speculation: Object) -> Finding:
    """Whether the pod's metrics answer; and where a table moves K, that it is applied."""
    name = pod["metadata"]["name"]
    port, path = page_of(pod)
    place = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{name}:{port}/proxy{path}"
    try:
        text = reader.text(place)
        page = pages.parse(text or "", (PREFIX,))
    except NotAllowedError as refused:
        return Finding(check_name, Level.UNKNOWN, f"metrics of {name}: {refused}")
    except pages.MalformedPageError as problem:
        return Finding(check_name, Level.WRONG, f"metrics of {name}: {problem}")
    applied, generation = page.total([APPLIED_GENERATION]), speculation.get("generation")
    if applied is None and speculation.get("liveMode") == LiveMode.ROLLOUT.value:
        return Finding(check_name, Level.OK, f"{name}: metrics answer; K changes with its pods")
    if applied is None:
        message = f"{name} has metrics, and no {APPLIED_GENERATION}: the plugin is not loaded"
        remedy = "see the start of the engine's log; K stays as it was started with"
        return Finding(check_name, Level.WRONG, message, remedy)
    if generation is not None and applied < generation:
        message = f"{name} applies table {applied:.0f}, and {generation} is in force"
        return Finding(
            check_name, Level.WARNING, message, "the kubelet brings a new one within a minute"
        )
    return Finding(check_name, Level.OK, f"{name}: plugin loaded, table {applied:.0f} applied")
