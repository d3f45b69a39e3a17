"""The chart of a release names its images by digest, whatever comments stand around."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from hack.release.chart import VALUES, pinned
from hack.release.parts import PartError

TEXT = (Path(__file__).parents[3] / "charts" / "tandem" / "values.yaml").read_text()
DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize("block", VALUES.values())
def test_one_image_is_pinned_and_nothing_else_changes(block: str) -> None:
    before, after = yaml.safe_load(TEXT), yaml.safe_load(pinned(TEXT, block, "host/x", DIGEST))

    before[block] |= {"repository": "host/x", "digest": DIGEST}
    assert after == before


def test_a_chart_without_the_block_is_refused() -> None:
    with pytest.raises(PartError, match="no block image"):
        pinned("replicas: 1\n", "image", "host/x", DIGEST)
