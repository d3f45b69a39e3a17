"""The drafter of vLLM's second runner: when it follows K, how deep it then drafts, what it says."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tandem_runtime.vllm.drafter import following, objection, word

DEEPEST = 5


class StandaloneARSpeculator:
    """Drafts as vLLM's class of this name does: one pass, then one a further token."""

    def __init__(self) -> None:
        self.dp_size = 1
        self.num_speculative_steps = DEEPEST
        self.draft_tokens = _Rows([[0] * DEEPEST for _ in range(4)])
        self.passes = 0

    def capture(self) -> None:
        pass

    def propose(self, batch: Any, num_speculative_tokens: int | None = None, **_: Any) -> Any:
        self.passes += 1
        if self.num_speculative_steps == 1:
            return [row[:1] for row in self.draft_tokens[: batch.num_reqs]]
        self._multi_step_decode()
        return self.draft_tokens[: batch.num_reqs]

    def _multi_step_decode(self) -> None:
        self.passes += self.num_speculative_steps - 1


class _Rows(list[list[int]]):
    @property
    def shape(self) -> tuple[int, int]:
        return len(self), len(self[0])


def drafted(asked: int | None, **options: Any) -> tuple[int, int, int]:
    """Passes made, rows and columns returned by a drafter that follows K."""
    drafter = StandaloneARSpeculator()
    propose = following(drafter, drafter.propose)
    rows = propose(SimpleNamespace(num_reqs=2), num_speculative_tokens=asked, **options)
    assert drafter.num_speculative_steps == DEEPEST
    return drafter.passes, len(rows), len(rows[0])


@pytest.mark.parametrize(
    ("asked", "passes"), [(0, 1), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (None, 5), (7, 5)]
)
def test_as_many_passes_as_asked_one_at_least_and_always_all_columns(
    asked: int | None, passes: int
) -> None:
    assert drafted(asked) == (passes, 2, DEEPEST)


def test_a_dummy_run_goes_to_the_deepest() -> None:
    assert drafted(1, dummy_run=True)[0] == DEEPEST


def test_a_failing_call_leaves_the_depth_as_it_was() -> None:
    drafter = StandaloneARSpeculator()

    def failing(*_: Any, **__: Any) -> None:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        following(drafter, failing)(SimpleNamespace(num_reqs=1), num_speculative_tokens=2)
    assert drafter.num_speculative_steps == DEEPEST


def test_the_drafter_that_was_read_may_follow() -> None:
    assert objection(StandaloneARSpeculator(), (0, 32)) == ""
    assert objection(StandaloneARSpeculator(), (0, 33)) == ""


@pytest.mark.parametrize("version", [(0, 31), (0, 34), (1, 0), None])
def test_a_version_that_was_not_read_is_left_alone(version: tuple[int, int] | None) -> None:
    assert "not read" in objection(StandaloneARSpeculator(), version)


def test_other_code_under_a_known_version_is_left_alone() -> None:
    class Graphs(StandaloneARSpeculator):
        def capture(self) -> None:
            self.graphs = {}

    class Bound(StandaloneARSpeculator):
        def _multi_step_decode(self) -> None:
            self.passes += DEEPEST - 1

    class Deaf(StandaloneARSpeculator):
        def propose(self, batch: Any) -> Any:  # type: ignore[override]
            return batch

    assert "graphs" in objection(Graphs(), (0, 32))
    assert "another bound" in objection(Bound(), (0, 32))
    assert "not told K" in objection(Deaf(), (0, 32))


def test_another_shape_and_several_ranks_are_left_alone() -> None:
    ranks, wide = StandaloneARSpeculator(), StandaloneARSpeculator()
    ranks.dp_size = 2
    wide.num_speculative_steps = 4

    assert "ranks" in objection(ranks, (0, 32))
    assert "depth elsewhere" in objection(wide, (0, 32))


def test_the_engine_follows_only_if_every_rank_said_so(tmp_path: Path) -> None:
    assert word(tmp_path) is None
    (tmp_path / "drafter-0-0.json").write_text('{"reason": ""}')
    assert word(tmp_path) == ""
    (tmp_path / "drafter-0-1.json").write_text('{"reason": "CUDA graphs hold it"}')
    assert word(tmp_path) == "CUDA graphs hold it"
    (tmp_path / "drafter-0-1.json").write_text("{")
    assert word(tmp_path) == "drafter-0-1.json cannot be read"
