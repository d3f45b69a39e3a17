"""The parts of a model's URI, for whoever mounts or fetches it."""

from dataclasses import dataclass
from enum import StrEnum


class Scheme(StrEnum):
    """Kinds of source."""

    HF = "hf"
    PVC = "pvc"
    OCI = "oci"
    S3 = "s3"


@dataclass(frozen=True)
class ModelUri:
    """`pvc://claim/a/b` is scheme pvc, authority `claim`, path `a/b`.

    For `hf://` and `oci://` the authority is the whole repository or image reference and the
    path is empty.
    """

    scheme: Scheme
    authority: str
    path: str


def parse(uri: str) -> ModelUri:
    """Split a URI that the schema has accepted. Raises ValueError for an unknown scheme."""
    scheme_text, separator, rest = uri.partition("://")
    if not separator or not rest:
        raise ValueError(f"{uri!r} is no model URI: use hf://, pvc://, oci:// or s3://")
    scheme = Scheme(scheme_text)
    if scheme in (Scheme.HF, Scheme.OCI):
        return ModelUri(scheme, rest, "")
    authority, _, path = rest.partition("/")
    return ModelUri(scheme, authority, path)
