"""Names of the environment variables by which the operator speaks to its containers."""

from __future__ import annotations

LOCK_REQUEST = "TANDEM_LOCK_REQUEST"
LOCK = "TANDEM_LOCK"
TABLE_FILE = "TANDEM_TABLE_FILE"
DIGESTS_FILE = "TANDEM_DIGESTS_FILE"
METRICS_DIR = "TANDEM_METRICS_DIR"
MAX_TOKENS = "TANDEM_MAX_TOKENS"
TIERS = "TANDEM_TIERS"
TERMINATION_LOG = "TANDEM_TERMINATION_LOG"
"""Another place for the last message, where no kubelet starts the process."""

PYTHONPATH = "PYTHONPATH"
HF_ENDPOINT = "HF_ENDPOINT"
HF_TOKEN = "HF_TOKEN"  # noqa: S105 (the name of a variable, not a secret)
S3_ENDPOINT = "AWS_ENDPOINT_URL_S3"
TARGET_PREFIX = "TARGET_"
DRAFT_PREFIX = "DRAFT_"
PREFIXES = {"target": TARGET_PREFIX, "draft": DRAFT_PREFIX}
"""Prefixes of a secret's variables when target and draft have one each, by side."""
