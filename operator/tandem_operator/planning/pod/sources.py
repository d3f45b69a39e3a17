"""Sources of a pair: which of them can be brought at all, and which the kubelet mounts.

An `oci://` source is an image volume. Whether a cluster takes such volumes is asked of nobody
beforehand: the lock Job is the first object that has one, and shows what became of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tandem_operator.api import names, uri
from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import ModelSource, Spec
from tandem_operator.api.uri import Scheme
from tandem_operator.engines.interface.field_error import FieldError
from tandem_runtime.contract.request import DRAFT, TARGET

Object = dict[str, Any]

TOKENIZER_SCHEMES = (Scheme.HF, Scheme.S3)
"""A tokenizer of its own is fetched; only models are mounted."""


@dataclass(frozen=True)
class Mounted:
    """Volumes, and where one container mounts them; `path` is by side."""

    volumes: list[Object]
    mounts: list[Object]
    paths: dict[str, str]


def sides(spec: Spec) -> dict[str, ModelSource]:
    """The sources by side; the draft only where the method has one."""
    by_side: dict[str, ModelSource] = {TARGET: spec.target}
    if spec.draft is not None:
        by_side[DRAFT] = spec.draft
    return by_side


def validate(spec: Spec) -> tuple[FieldError, ...]:
    """The sources that this release can neither fetch nor mount; no Job is made for them."""
    errors: list[FieldError] = []
    for side, source in sides(spec).items():
        tokenizer = source.tokenizer
        if tokenizer is not None and side == TARGET:
            errors.append(_unserved(tokenizer.uri))
        elif tokenizer is not None and uri.parse(tokenizer.uri).scheme not in TOKENIZER_SCHEMES:
            errors.append(
                _error(
                    f"spec.{side}.tokenizer.uri",
                    tokenizer.uri,
                    "use hf:// or s3://, or put the tokenizer beside the weights and remove "
                    f"{side}.tokenizer",
                )
            )
    return tuple(errors)


def _unserved(value: str) -> FieldError:
    """A draft's own tokenizer is only compared; a target's would have to serve."""
    return FieldError(
        StalledReason.UNSUPPORTED_COMBINATION,
        "spec.target.tokenizer.uri",
        value,
        "this release cannot give the engine a tokenizer from elsewhere",
        "put its files beside the target's weights and remove target.tokenizer",
    )


def _error(field: str, value: str, remedy: str) -> FieldError:
    scheme = uri.parse(value).scheme.value
    return FieldError(
        StalledReason.UNSUPPORTED_COMBINATION,
        field,
        value,
        f"this release cannot fetch {field.removeprefix('spec.').rpartition('.')[0]} "
        f"from {scheme}://",
        remedy,
    )


def lost(spec: Spec, job: Object) -> tuple[FieldError, ...]:
    """Image volumes that the API server dropped from the lock Job without a word.

    So does one without the feature. The Job then finds nothing, but the model is not what is wrong.
    """
    images = [side for side, source in sides(spec).items() if _in_image(source.uri)]
    volumes = job["spec"]["template"]["spec"].get("volumes", ())
    if not images or any("image" in volume for volume in volumes):
        return ()
    side = images[0]
    return (
        FieldError(
            StalledReason.UNSUPPORTED_COMBINATION,
            f"spec.{side}.uri",
            sides(spec)[side].uri,
            "this cluster does not support image volumes (feature ImageVolume, on by default from "
            "Kubernetes 1.35)",
            "use hf://, s3:// or pvc://, or enable the feature and annotate the resource with "
            f"{names.ANNOTATION_REFRESH}",
        ),
    )


def _in_image(source_uri: str) -> bool:
    return uri.parse(source_uri).scheme is Scheme.OCI


def mounted(spec: Spec, folders: dict[str, str]) -> Mounted:
    """Every source that the kubelet mounts, read-only, at the folder of its side.

    A claim that holds both sides is one volume.
    """
    volumes: dict[str, Object] = {}
    mounts: list[Object] = []
    paths: dict[str, str] = {}
    for side, source in sides(spec).items():
        parts = uri.parse(source.uri)
        if parts.scheme is Scheme.PVC:
            body = {"persistentVolumeClaim": {"claimName": parts.authority, "readOnly": True}}
        elif parts.scheme is Scheme.OCI:
            body = {"image": {"reference": parts.authority}}
        else:
            continue
        name = next((existing for existing, entry in volumes.items() if entry == body), None)
        if name is None:
            name = f"tandem-{side}"
            volumes[name] = body
        mount = {"name": name, "mountPath": folders[side], "readOnly": True}
        if parts.path:
            mount["subPath"] = parts.path
        mounts.append(mount)
        paths[side] = folders[side]
    return Mounted([{"name": name, **body} for name, body in volumes.items()], mounts, paths)
