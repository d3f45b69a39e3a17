"""Where two vocabularies differ, found through the leaves of their fingerprints."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from tandem_runtime.contract.report import MAX_DIFFERENCES, Difference
from tandem_runtime.lock.fingerprint.fingerprint import LEAF_IDS, Fingerprint
from tandem_runtime.lock.fingerprint.reserved import is_reserved_name
from tandem_runtime.lock.fingerprint.tokenizer import BYTE, Tokenizer

Meaning = tuple[int, bytes]
"""Kind and bytes of one id."""


@dataclass(frozen=True)
class Differences:
    """Ids, ascending.

    `changed` mean something else, or stand inside the range of one side alone. `renamed` are
    reserved names on tokens that stand aside on both sides. `target_extra` and `draft_extra` lie
    beyond the other side's last id.
    """

    changed: tuple[int, ...] = ()
    renamed: tuple[int, ...] = ()
    target_extra: tuple[int, ...] = ()
    draft_extra: tuple[int, ...] = ()


def find(
    target: Tokenizer, target_marks: Fingerprint, draft: Tokenizer, draft_marks: Fingerprint
) -> Differences:
    """All differing ids. Complexity: linear in the ids of differing leaves."""
    changed: list[int] = []
    renamed: list[int] = []
    target_extra: list[int] = []
    draft_extra: list[int] = []
    numbers = {*target_marks.leaves, *draft_marks.leaves}
    for number in sorted(numbers):
        if target_marks.leaves.get(number) == draft_marks.leaves.get(number):
            continue
        ours, theirs = _leaf(target, number), _leaf(draft, number)
        for token_id in sorted({*ours, *theirs}):
            one, two = ours.get(token_id), theirs.get(token_id)
            if one == two:
                continue
            if two is None and token_id > draft.ids[-1]:
                target_extra.append(token_id)
            elif one is None and token_id > target.ids[-1]:
                draft_extra.append(token_id)
            elif one and two and _is_renaming(target, draft, token_id, one, two):
                renamed.append(token_id)
            else:
                changed.append(token_id)
    return Differences(tuple(changed), tuple(renamed), tuple(target_extra), tuple(draft_extra))


def shown(target: Tokenizer, draft: Tokenizer, ids: tuple[int, ...]) -> tuple[Difference, ...]:
    """The first MAX_DIFFERENCES of `ids` with the texts of both sides.

    Ids that both sides learned stand before reserved names: those say what a text would become.
    """
    learned = [
        each for each in ids if each not in target.special_ids or each not in draft.special_ids
    ]
    names = [each for each in ids if each in target.special_ids and each in draft.special_ids]
    return tuple(
        Difference(token_id, _text(target, token_id), _text(draft, token_id))
        for token_id in (*learned[:MAX_DIFFERENCES], *names)[:MAX_DIFFERENCES]
    )


def _leaf(tokenizer: Tokenizer, number: int) -> dict[int, Meaning]:
    ids = tokenizer.ids
    start = bisect_left(ids, number * LEAF_IDS)
    end = bisect_left(ids, (number + 1) * LEAF_IDS)
    return {
        ids[index]: (tokenizer.kinds[index], tokenizer.contents[index])
        for index in range(start, end)
    }


def _is_renaming(
    target: Tokenizer, draft: Tokenizer, token_id: int, one: Meaning, two: Meaning
) -> bool:
    return (
        token_id in target.special_ids
        and token_id in draft.special_ids
        and (is_reserved_name(one[1]) or is_reserved_name(two[1]))
    )


def _text(tokenizer: Tokenizer, token_id: int) -> str | None:
    """What a person reads: UTF-8 where it is, `\\xNN` for other bytes, `<0xNN>` for a byte."""
    index = bisect_left(tokenizer.ids, token_id)
    if index == len(tokenizer.ids) or tokenizer.ids[index] != token_id:
        return None
    content = tokenizer.contents[index]
    if tokenizer.kinds[index] == BYTE:
        return f"<0x{content[0]:02X}>"
    return content.decode("utf-8", "backslashreplace")
