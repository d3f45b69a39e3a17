"""The tables by which a head with a smaller vocabulary names the target's ids.

`d2t` holds, for each draft id, what must be added to it for the target's id; `t2d` marks the
target's ids that the draft has.
"""

from __future__ import annotations

from dataclasses import dataclass

from tandem_runtime.lock.files.folder import ModelFolder
from tandem_runtime.lock.model import weights
from tandem_runtime.lock.model.weights import Weights

TABLES = ("d2t", "t2d")


@dataclass(frozen=True)
class Trimmed:
    """`target_ids` by draft id; `marked` target ids; None for a table that is not there.

    `rows` is the length of `t2d`: how many ids the target must have.
    """

    target_ids: tuple[int, ...] | None
    marked: frozenset[int] | None
    rows: int | None


def read(folder: ModelFolder, file_weights: Weights | None) -> Trimmed | None:
    """The tables in a head's weights, None where it has none. Raises RefusedError."""
    tensors = {} if file_weights is None else file_weights.tensors
    d2t, t2d = tensors.get("d2t"), tensors.get("t2d")
    if d2t is None and t2d is None:
        return None
    target_ids = marked = rows = None
    if d2t is not None:
        offsets = weights.integers(folder, d2t)
        target_ids = tuple(index + offset for index, offset in enumerate(offsets))
    if t2d is not None:
        marks = weights.integers(folder, t2d)
        marked = frozenset(index for index, mark in enumerate(marks) if mark)
        rows = len(marks)
    return Trimmed(target_ids, marked, rows)


def misfit(trimmed: Trimmed, draft_rows: object, target_rows: int | None) -> str | None:
    """What of the tables contradicts the sizes or each other, None for nothing that is known."""
    ids = trimmed.target_ids
    if ids is not None:
        if isinstance(draft_rows, int) and len(ids) != draft_rows:
            return f"d2t has {len(ids)} entries, draft_vocab_size is {draft_rows}"
        if len(set(ids)) != len(ids):
            return "d2t leads two draft ids to one id of the target"
        most = trimmed.rows if target_rows is None else target_rows
        outside = [each for each in ids if each < 0 or (most is not None and each >= most)]
        if outside:
            return f"d2t leads to id {outside[0]}, outside the target's vocabulary"
    if trimmed.rows is not None and target_rows is not None and trimmed.rows != target_rows:
        return f"t2d has {trimmed.rows} entries, the target has {target_rows} rows"
    if ids is not None and trimmed.marked is not None and set(ids) != trimmed.marked:
        return "d2t and t2d name different ids"
    return None
