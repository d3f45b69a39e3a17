"""A list read block by block is the list that a whole reading gives, or is refused as it."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_runtime.lock.errors import RefusedError
from tandem_runtime.lock.files import long_list, strict_json
from tandem_runtime.lock.files.long_list import BrokenError, LongList

TEXT = st.one_of(
    st.text(max_size=6),
    st.sampled_from(["],", '",', "],[", '","', "\\", '"', "[", "]}}", '"merges": [', "\U0001f600"]),
)
PAIRS = st.lists(st.tuples(TEXT, TEXT).map(list), max_size=30)
LINES = st.lists(TEXT, max_size=30)


@pytest.fixture(autouse=True, params=[1, 7, 1 << 16])
def block_bytes(request: pytest.FixtureRequest) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_list, "_BLOCK_BYTES", request.param)
        yield


def whole(content: bytes) -> object:
    """What is read, the blocks put together. Raises RefusedError."""
    with suppress(BrokenError):
        return put_together(content)
    return strict_json.decode("x", content)


def put_together(content: bytes) -> object:
    value = long_list.decode("x", content, "model", "merges")
    if isinstance(value, dict) and isinstance(value.get("model"), dict):
        merges = value["model"].get("merges")
        if isinstance(merges, LongList):
            value["model"]["merges"] = [each for block in merges.blocks() for each in block]
    return value


def strictly(content: bytes) -> object:
    return strict_json.decode("x", content)


@given(
    st.one_of(PAIRS, LINES),
    st.sampled_from([None, 1, "\t"]),
    st.booleans(),
    st.dictionaries(TEXT, st.integers(), max_size=5),
)
def test_it_is_the_list_that_was_written(
    merges: list[Any], indent: int | str | None, ascii_only: bool, vocabulary: dict[str, int]
) -> None:
    document = {"version": "1", "model": {"vocab": vocabulary, "merges": merges}}
    content = json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode()
    assert whole(content) == document
    read = long_list.decode("x", content, "model", "merges")
    assert isinstance(read, dict)
    assert isinstance(read["model"]["merges"], LongList)


@given(PAIRS, st.data())
def test_what_is_refused_whole_is_refused_in_blocks(merges: list[Any], data: Any) -> None:
    content = json.dumps({"model": {"vocab": {"merges": 1}, "merges": merges}}).encode()
    at = data.draw(st.integers(0, len(content)))
    upto = data.draw(st.integers(at, min(len(content), at + 3)))
    put = data.draw(
        st.sampled_from([b"", b",", b'"', b"]", b"[", b"\\", b"{}", b'{"a":1,"a":2}', b"NaN"])
    )
    changed = content[:at] + put + content[upto:]
    try:
        expected = strictly(changed)
    except RefusedError:
        with pytest.raises(RefusedError):
            whole(changed)
    else:
        assert whole(changed) == expected


@pytest.mark.parametrize(
    "content",
    [
        b'{"model": {"merges": [["a", "b"],]}}',
        b'{"model": {"merges": [["a", "b"]], "merges": [["a", "b"]]}}',
        b'{"model": {"merges": [["a", "b"]]]}}',
        b'{"model": {"merges": ["a b",]}}',
        b'{"model": {"merges": ["\\ud800 b"]}}',
        b'{"model": {"merges": [[1e999, NaN]]}}',
        b'{"model": {"merges": [["\xff", "b"]]}}',
        b'{"model": {"merges": [["a", "b"]]}} }',
        b'{"model": {"merges": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    ],
)
def test_a_broken_list_is_refused(content: bytes) -> None:
    with pytest.raises(RefusedError):
        whole(content)


@pytest.mark.parametrize(
    "document",
    [
        {"model": {"merges": [["a", "b"]], "vocab": {"a": 1}}},
        {"merges": [["a", "b"]]},
        {"other": {"merges": [["a", "b"]]}},
        {"model": {"merges": []}, "last": {"merges": [1]}},
        {"model": {"merges": [["a", "b"]], "x": [["c", "d"]]}},
        {"model": {'x"merges': [["a", "b"]]}},
        {"model": {"merges": {"a": [1]}}},
        [{"model": {"merges": [1]}}],
    ],
)
def test_a_list_in_another_place_is_read_with_the_rest(document: Any) -> None:
    assert whole(json.dumps(document).encode()) == document
