"""Which verdicts a policy lets serve."""

from __future__ import annotations

from tandem_runtime.lock.verdict import compare

_TAKEN = {
    "Exact": {compare.COMPATIBLE},
    "SameVocabulary": {compare.COMPATIBLE, compare.WARN},
    "VocabPrefix": {compare.COMPATIBLE, compare.WARN, compare.PREFIX_COMPATIBLE},
    "TargetDeclared": {compare.COMPATIBLE, compare.WARN},
    "Skip": {
        compare.COMPATIBLE,
        compare.WARN,
        compare.PREFIX_COMPATIBLE,
        compare.INCOMPATIBLE,
        compare.UNKNOWN,
    },
}


def allows(policy: str, verdict: str) -> bool:
    """Whether a pair with this verdict may serve. Refused never may."""
    return verdict in _TAKEN[policy]
