"""Manifests that the API server refuses by schema or CEL."""

from tests.cluster.bad_manifests.pair_fields import PAIR_FIELDS
from tests.cluster.bad_manifests.serving_fields import SERVING_FIELDS

REFUSED_BY_SCHEMA = (*PAIR_FIELDS, *SERVING_FIELDS)
"""Never stored."""
