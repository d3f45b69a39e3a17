"""Amounts as people and Kubernetes write them: the same amount is no difference, and sizes read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tandem_operator.planning.diff import holds
from tandem_operator.planning.status.removed import freed
from tandem_runtime.contract.report import SideReport

SAME = [
    ("1000n", "1u"), ("1000u", "1m"), ("1000m", "1"), ("1000", "1k"), ("1000k", "1M"),
    ("1000M", "1G"), ("1000G", "1T"), ("1000T", "1P"), ("1000P", "1E"), ("1024", "1Ki"),
    ("1024Ki", "1Mi"), ("1024Mi", "1Gi"), ("1024Gi", "1Ti"), ("1024Ti", "1Pi"), ("1024Pi", "1Ei"),
    ("1e3", "1k"), ("1.5Gi", "1536Mi"), ("0.5", "500m"),
]  # fmt: skip


def limits(amount: str) -> dict[str, object]:
    return {"limits": {"memory": amount}}


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_amount_in_another_unit_is_no_difference(one: str, other: str) -> None:
    assert holds(limits(one), limits(other))
    assert holds(limits(other), limits(one))


@pytest.mark.parametrize(("one", "other"), [("1k", "1Ki"), ("1M", "1G"), ("1", "2"), ("1G", "1Gi")])
def test_another_amount_is_one(one: str, other: str) -> None:
    assert not holds(limits(one), limits(other))


@pytest.mark.parametrize(
    ("size", "expected"),
    [(2**30, "1.0 GiB"), (3 * 2**29, "1.5 GiB"), (2**20, "1.0 MiB"), (2**10, "1.0 KiB"),
     (1023, "1023 bytes")],
)  # fmt: skip
def test_what_a_draft_frees_is_told_in_the_largest_unit(size: int, expected: str) -> None:
    draft = SideReport(uri="hf://org/draft", weight_bytes=size)

    assert freed(draft) == f"each replica has {expected} more memory"
    assert freed(replace(draft, kv_bytes_per_token=2048)).endswith(
        ", and 2.0 KiB more for each token in the KV cache"
    )


def test_nothing_is_told_of_what_is_not_known() -> None:
    assert freed(None) == ""
    assert freed(SideReport(uri="hf://org/draft")) == ""
