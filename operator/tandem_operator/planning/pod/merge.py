"""spec.template: judged, and merged over the operator's pod template as server-side apply does.

The merge keys are those that the Kubernetes API publishes for the pod template. `change` uses them
too, to compare what stands with what is wanted.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable
from typing import Any

from tandem_operator.api import names
from tandem_operator.api.conditions import StalledReason
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.pod import environment
from tandem_operator.planning.children import common_metadata
from tandem_runtime.contract import paths

Object = dict[str, Any]

MERGE_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "resourceClaims": ("name",),
    "claims": ("name",),
    "schedulingGates": ("name",),
    "resizePolicy": ("resourceName",),
    "ownerReferences": ("uid",),
}
PORT_KEYS = {"container": ("containerPort", "protocol"), "service": ("port", "protocol")}
KEY_DEFAULTS = {"protocol": "TCP"}

OWNED_PATHS = (paths.MODELS, "/tandem", paths.SHM)
OWNED_POD_FIELDS = ("restartPolicy", "shareProcessNamespace")
OWNED_MAIN_FIELDS = ("command", "args")
CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")


def merge_keys(path: tuple[str, ...], entries: list[Any]) -> tuple[str, ...]:
    """The keys by which the list at `path` is merged; empty for a list that is replaced."""
    field = path[-1] if path else ""
    if field == "ports":
        service = any(isinstance(entry, dict) and "port" in entry for entry in entries)
        return PORT_KEYS["service" if service else "container"]
    return MERGE_KEYS.get(field, ())


def key_of(entry: Any, keys: tuple[str, ...]) -> tuple[Any, ...]:
    """The values of an entry's merge keys, with the API's defaults."""
    fields = entry if isinstance(entry, dict) else {}
    return tuple(fields.get(key, KEY_DEFAULTS.get(key)) for key in keys)


def merged(base: Any, over: Any, path: tuple[str, ...] = ()) -> Any:
    """`over` merged into `base`: maps deeply, keyed lists by key, anything else replaced."""
    if isinstance(base, dict) and isinstance(over, dict):
        result = dict(base)
        for key, value in over.items():
            result[key] = merged(base[key], value, (*path, key)) if key in base else value
        return result
    if isinstance(base, list) and isinstance(over, list):
        keys = merge_keys(path, [*base, *over])
        if keys:
            return _merged_list(base, over, keys, path)
    return over


def _merged_list(
    base: list[Any], over: list[Any], keys: tuple[str, ...], path: tuple[str, ...]
) -> list[Any]:
    result = {key_of(entry, keys): entry for entry in base}
    for entry in over:
        key = key_of(entry, keys)
        result[key] = merged(result[key], entry, path) if key in result else entry
    return list(result.values())


def validate(template: Object | None, owned_env: tuple[str, ...]) -> tuple[FieldError, ...]:
    """What of spec.template takes what the operator owns, or is no template at all."""
    if template is None:
        return ()
    wrong = [
        *_nulls(template, "spec.template"),
        *_shapes(template),
    ]
    if wrong:
        return tuple(wrong)
    return (*_labels(template), *_pod(template.get("spec", {}), owned_env))


def _error(field: str, value: Any, message: str, remedy: str) -> FieldError:
    written = value if isinstance(value, str) else json.dumps(value)
    return FieldError(StalledReason.INVALID_TEMPLATE, field, written, message, remedy)


def _nulls(value: Any, field: str) -> Iterable[FieldError]:
    if value is None:
        yield _error(field, "null", "null would remove what the operator set", "remove the key")
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from _nulls(entry, f"{field}.{key}")
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _nulls(entry, f"{field}[{index}]")


def _shapes(template: Object) -> Iterable[FieldError]:
    for key in template.keys() - {"metadata", "spec"}:
        yield _error(
            f"spec.template.{key}",
            template[key],
            "a pod template has metadata and spec",
            "remove it",
        )
    metadata = template.get("metadata", {})
    spec = template.get("spec", {})
    for part, value in (("metadata", metadata), ("spec", spec)):
        if not isinstance(value, dict):
            yield _error(f"spec.template.{part}", value, "not an object", "write a map")
            return
    for key in metadata.keys() - {"labels", "annotations"}:
        yield _error(
            f"spec.template.metadata.{key}",
            metadata[key],
            "the operator sets it",
            "keep labels and annotations only",
        )
    for key in metadata.keys() & {"labels", "annotations"}:
        if not isinstance(metadata[key], dict):
            yield _error(
                f"spec.template.metadata.{key}", metadata[key], "not an object", "write a map"
            )
    for lists in (*CONTAINER_LISTS, "volumes"):
        yield from _named_list(spec.get(lists, []), f"spec.template.spec.{lists}")


def _named_list(entries: Any, field: str) -> Iterable[FieldError]:
    if not isinstance(entries, list):
        yield _error(field, entries, "not a list", "write a list")
        return
    for index, entry in enumerate(entries):
        at = f"{field}[{index}]"
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            yield _error(at, entry, "an entry without a name", "name it")
            continue
        for inner in ("env", "envFrom", "volumeMounts", "volumeDevices"):
            named = entry.get(inner, [])
            if not isinstance(named, list) or not all(isinstance(each, dict) for each in named):
                yield _error(f"{at}.{inner}", named, "not a list of objects", "write a list")


def _labels(template: Object) -> Iterable[FieldError]:
    for key, value in template.get("metadata", {}).get("labels", {}).items():
        if common_metadata.owns(key):
            yield _error(
                f"spec.template.metadata.labels.{key}",
                value,
                "the operator sets this label",
                "remove it, or use a label of your own",
            )


def _pod(spec: Object, owned_env: tuple[str, ...]) -> Iterable[FieldError]:
    for key in OWNED_POD_FIELDS:
        if key in spec:
            yield _error(
                f"spec.template.spec.{key}", spec[key], "the operator owns it", "remove it"
            )
    for lists in (*CONTAINER_LISTS, "volumes"):
        for index, entry in enumerate(spec.get(lists, [])):
            at = f"spec.template.spec.{lists}[{index}]"
            if entry["name"].startswith(names.RESERVED_NAME_PREFIX):
                yield _error(
                    f"{at}.name", entry["name"], "tandem-* names are the operator's", "rename it"
                )
            if lists != "volumes":
                yield from _mounts(entry, at)
            if lists == "containers" and entry["name"] == paths.CONTAINER_MAIN:
                yield from _main(entry, at, owned_env)
            elif entry["name"] == paths.CONTAINER_MAIN and lists != "volumes":
                yield _error(
                    f"{at}.name", entry["name"], "main is the engine's container", "rename it"
                )


def _mounts(container: Object, at: str) -> Iterable[FieldError]:
    for index, mount in enumerate(container.get("volumeMounts", [])):
        field = f"{at}.volumeMounts[{index}]"
        path = posixpath.normpath("/" + str(mount.get("mountPath", "")).lstrip("/"))
        if str(mount.get("name", "")).startswith(names.RESERVED_NAME_PREFIX):
            yield _error(
                f"{field}.name", mount["name"], "the operator's volume", "use one of your own"
            )
        if any(_overlap(path, owned) for owned in OWNED_PATHS):
            yield _error(
                f"{field}.mountPath",
                mount.get("mountPath"),
                f"it covers a path of the operator ({', '.join(OWNED_PATHS)})",
                "mount it elsewhere",
            )


def _overlap(path: str, owned: str) -> bool:
    return path == owned or path.startswith(f"{owned}/") or owned.startswith(path.rstrip("/") + "/")


def _main(container: Object, at: str, owned_env: tuple[str, ...]) -> Iterable[FieldError]:
    for key in OWNED_MAIN_FIELDS:
        if key in container:
            yield _error(
                f"{at}.{key}", container[key], "the operator owns it", "use spec.engine.args"
            )
    for index, variable in enumerate(container.get("env", [])):
        name = str(variable.get("name", ""))
        if environment.owns(owned_env, name):
            yield _error(
                f"{at}.env[{index}].name", name, "the operator sets this variable", "remove it"
            )
    for index, source in enumerate(container.get("envFrom", [])):
        prefix = str(source.get("prefix", ""))
        if environment.may_own(owned_env, prefix):
            yield _error(
                f"{at}.envFrom[{index}]",
                source,
                "it may set variables of the operator without notice",
                "name each variable in spec.engine.env, or give them a prefix of your own",
            )
