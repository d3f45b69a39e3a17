"""What a report of the lock leads to: the lock that pods carry, or a reason that names the ids."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.api.conditions import PairReason
from tandem_operator.api.spec import LockPolicy
from tandem_operator.planning.lock import assessment
from tandem_runtime.contract import pod_lock
from tandem_runtime.contract import report as contract
from tandem_runtime.contract.report import Difference, PairReport, SideReport

COMMIT = "0a" * 20
TARGET = SideReport(
    uri="hf://org/target",
    revision=COMMIT,
    tokenizer_digest="tokfp/v1:sha256:" + "1" * 64,
    files_digest="sha256:" + "2" * 64,
)
DRAFT = replace(TARGET, uri="pvc://models/draft", files_digest="sha256:" + "3" * 64)
FOLDERS = {"draft": "/models/draft"}
DIFFERENCES = tuple(Difference(each, f"t{each}", f"d{each}") for each in (6001, 6002, 6003, 6004))


def report(**changes: Any) -> PairReport:
    """An equal pair; `changes` by field."""
    good = PairReport(
        verdict="Compatible",
        reason="Equal",
        allowed=True,
        message="every id means the same",
        target=TARGET,
        draft=DRAFT,
    )
    return replace(good, **changes)


def wrong(**changes: Any) -> PairReport:
    """A pair whose ids differ."""
    advice = {
        "verdict": "Incompatible",
        "reason": "IdsDiffer",
        "allowed": False,
        "message": "4 of 8000 ids differ",
        "first_differences": DIFFERENCES,
    }
    return report(**(advice | changes))


def assess(
    given: PairReport, policy: LockPolicy = LockPolicy.SAME_VOCABULARY
) -> assessment.Assessed:
    return assessment.assess(given, "DraftModel", FOLDERS, policy)


def test_an_allowed_pair_is_locked_to_what_was_seen() -> None:
    assessed = assess(report())

    assert assessed.reason is PairReason.EQUAL
    assert assessed.lock is not None
    assert pod_lock.to_document(assessed.lock) == {
        "version": 1,
        "hash": assessed.lock.hash,
        "method": "DraftModel",
        "target": {
            "uri": "hf://org/target",
            "revision": COMMIT,
            "path": None,
            "tokenizerDigest": TARGET.tokenizer_digest,
            "filesDigest": TARGET.files_digest,
        },
        "draft": {
            "uri": "pvc://models/draft",
            "revision": COMMIT,
            "path": "/models/draft",
            "tokenizerDigest": DRAFT.tokenizer_digest,
            "filesDigest": DRAFT.files_digest,
        },
    }


def test_the_lock_reads_back_as_it_was_written() -> None:
    lock = assess(report()).lock

    assert lock is not None
    assert pod_lock.parse(pod_lock.render(lock)) == lock


def test_a_method_without_a_draft_locks_the_target_alone() -> None:
    assessed = assess(report(reason="NoDraft", draft=None))

    assert assessed.reason is PairReason.NO_DRAFT
    assert assessed.lock is not None
    assert assessed.lock.draft is None


@pytest.mark.parametrize(
    "changes",
    [
        {"target": replace(TARGET, files_digest="sha256:" + "4" * 64)},
        {"target": replace(TARGET, revision="0b" * 20)},
        {"draft": replace(DRAFT, files_digest="sha256:" + "4" * 64)},
        {"draft": None},
    ],
)
def test_any_other_content_is_another_lock(changes: dict[str, Any]) -> None:
    one, other = assess(report()).lock, assess(report(**changes)).lock

    assert one is not None
    assert other is not None
    assert one.hash != other.hash


def test_what_the_lock_only_remarks_on_does_not_change_it() -> None:
    one = assess(report()).lock
    other = assess(
        report(verdict="Warn", reason="TemplateDiffers", message="templates differ")
    ).lock

    assert one == other


def test_a_wrong_pair_is_told_by_its_first_differing_ids_and_has_no_lock() -> None:
    assessed = assess(wrong())

    assert assessed.lock is None
    assert assessed.reason is PairReason.IDS_DIFFER
    assert assessed.message == (
        "4 of 8000 ids differ; id 6001 is 't6001' in the target and 'd6001' in the draft; "
        "id 6002 is 't6002' in the target and 'd6002' in the draft; "
        "id 6003 is 't6003' in the target and 'd6003' in the draft"
    )


def test_an_id_that_the_message_names_is_not_told_twice() -> None:
    assessed = assess(wrong(message="ids differ: 6001: 't6001' and 'd6001'"))

    assert assessed.message.count("6001") == 3
    assert "id 6001 is" not in assessed.message
    assert "id 6002 is" in assessed.message


def test_advice_stands_at_the_end() -> None:
    assert assess(wrong(advice="use org/other")).message.endswith("; use org/other")


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [("Warn", "TemplateDiffers"), ("PrefixCompatible", "TargetExtra"), ("Unknown", "NoTokenizer")],
)
def test_what_only_the_policy_forbids_says_so_and_begins_with_the_verdict(
    verdict: str, reason: str
) -> None:
    assessed = assess(report(verdict=verdict, reason=reason, allowed=False, message="why"))

    assert assessed.lock is None
    assert assessed.reason is PairReason.NOT_ALLOWED_BY_POLICY
    assert assessed.message == f"{verdict} {reason}: why"


@pytest.mark.parametrize("verdict", ["Incompatible", "Refused"])
def test_a_verdict_that_forbids_by_itself_keeps_its_own_reason(verdict: str) -> None:
    assert assess(wrong(verdict=verdict, reason="RemoteCode")).reason is PairReason.REMOTE_CODE


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [("Compatible", "Equal"), ("Incompatible", "IdsDiffer"), ("Unknown", "NoTokenizer")],
)
def test_a_pair_that_the_policy_skips_is_locked_and_says_what_was_let_pass(
    verdict: str, reason: str
) -> None:
    assessed = assess(wrong(verdict=verdict, reason=reason, allowed=True), LockPolicy.SKIP)

    assert assessed.lock is not None
    assert assessed.reason is PairReason.SKIPPED
    assert assessed.message.startswith("tokenizerLock.policy is Skip")
    assert f"{verdict} {reason}: 4 of 8000 ids differ" in assessed.message


def test_skip_lets_nothing_pass_that_is_refused_or_that_another_digest_pins() -> None:
    refused = assess(wrong(verdict="Refused", reason="RemoteCode"), LockPolicy.SKIP)
    pinned = assess(wrong(reason="DigestMismatch"), LockPolicy.SKIP)

    assert (refused.lock, refused.reason) == (None, PairReason.REMOTE_CODE)
    assert (pinned.lock, pinned.reason) == (None, PairReason.DIGEST_MISMATCH)


def test_an_unknown_reason_is_no_ground_to_start_anything() -> None:
    with pytest.raises(assessment.UnknownReportError, match="FromTheFuture"):
        assess(report(reason="FromTheFuture"))


@pytest.mark.parametrize("side", ["target", "draft"])
def test_an_allowed_pair_without_a_digest_of_its_files_is_not_started(side: str) -> None:
    blind = replace(getattr(report(), side), files_digest=None)

    with pytest.raises(assessment.UnknownReportError, match=blind.uri):
        assess(report(**{side: blind}))


def test_a_report_that_allows_what_it_refuses_is_not_believed() -> None:
    with pytest.raises(assessment.UnknownReportError, match="allows what it calls Refused"):
        assess(report(verdict="Refused", reason="RemoteCode"))


def test_every_reason_of_the_condition_is_known() -> None:
    assert set(assessment.REASONS.values()) == set(PairReason)


TEXTS = st.text(max_size=3000)


@given(message=TEXTS, advice=st.none() | TEXTS, text=st.none() | TEXTS)
def test_no_text_of_a_repository_makes_the_message_too_long_or_allows_the_pair(
    message: str, advice: str | None, text: str | None
) -> None:
    hostile = wrong(message=message, advice=advice, first_differences=(Difference(1, text, text),))
    assessed = assess(hostile)

    assert assessed.lock is None
    assert len(assessed.message) <= 2000


@given(st.sampled_from(contract.VERDICTS), st.sampled_from(sorted(assessment.REASONS)))
def test_a_pair_that_is_not_allowed_never_has_a_lock(verdict: str, reason: str) -> None:
    assert assess(report(verdict=verdict, reason=reason, allowed=False)).lock is None
