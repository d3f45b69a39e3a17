"""Batch buckets of step cells."""

import pytest

from tandem_runtime.contract import metrics


@pytest.mark.parametrize(
    ("batch", "edge"),
    [(1, 1), (4, 4), (5, 4), (6, 6), (127, 96), (128, 128), (256, 128), (257, 257), (9999, 257)],
)
def test_a_batch_falls_into_the_bucket_of_the_edge_below(batch: int, edge: int) -> None:
    assert metrics.batch_edge(batch) == edge


def test_every_edge_begins_its_own_bucket() -> None:
    assert [metrics.batch_edge(edge) for edge in metrics.BATCH_EDGES] == list(metrics.BATCH_EDGES)


def test_the_edges_are_those_of_the_contract() -> None:
    edges = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 257)
    assert edges == metrics.BATCH_EDGES


def test_buckets_follow_one_another_and_the_last_is_open() -> None:
    tops = [metrics.batch_top(edge) for edge in metrics.BATCH_EDGES]

    assert [top + 1 for top in tops[:-1]] == list(metrics.BATCH_EDGES[1:])
    assert tops[-1] == metrics.OPEN_END
