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
