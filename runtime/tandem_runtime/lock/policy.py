"""Which verdicts a policy lets serve."""

from __future__ import annotations

from tandem_runtime.lock import grade

_TAKEN = {
    "Exact": {grade.COMPATIBLE},
    "SameVocabulary": {grade.COMPATIBLE, grade.WARN},
    "VocabPrefix": {grade.COMPATIBLE, grade.WARN, grade.PREFIX_COMPATIBLE},
    "TargetDeclared": {grade.COMPATIBLE, grade.WARN},
    "Skip": {
        grade.COMPATIBLE,
        grade.WARN,
        grade.PREFIX_COMPATIBLE,
        grade.INCOMPATIBLE,
        grade.UNKNOWN,
    },
}


def allows(policy: str, verdict: str) -> bool:
    """Whether a pair with this verdict may serve. Refused never may."""
    return verdict in _TAKEN[policy]
