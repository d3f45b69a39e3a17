"""Objects as the store keeps them: nothing is lost, and what objects share is kept once."""

from __future__ import annotations

import zlib
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.cluster.packed import WINDOW, Packer

Object = dict[str, Any]

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
LONG = st.integers(WINDOW - 200, WINDOW + 200).map("x".__mul__)


def _pod(name: str, **fields: Any) -> Object:
    metadata = {"name": name, "namespace": "team-a", "uid": f"u-{name}", "resourceVersion": "7"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, **fields}


@given(st.lists(VALUES | LONG, min_size=1, max_size=4))
def test_each_is_read_back_as_it_was(specs: list[Any]) -> None:
    packer = Packer()
    pods = [_pod(f"p{place}", spec=spec) for place, spec in enumerate(specs)]
    packed = [packer.pack(each, labelled=True) for each in pods]
    assert [each.object() for each in packed] == pods


def test_what_objects_of_a_kind_share_is_kept_once() -> None:
    """Unlike within themselves, as engines' pods are, and alike among each other."""
    environment = [{"name": f"NAME_{place}", "value": f"{place**7:x}"} for place in range(100)]
    first, second = (_pod(name, spec={"env": environment}) for name in ("chat-0", "chat-1"))
    packer = Packer()
    packer.pack(first, labelled=True)

    following = packer.pack(second, labelled=True)

    assert 5 * len(following.body) < len(zlib.compress(orjson.dumps(second)))
    assert following.object() == second
