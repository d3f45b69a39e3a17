"""The pair in the real engine: the draft is good at one kind of prompt and poor at another."""

from __future__ import annotations

from pathlib import Path

import pytest

from hack.pair.measuring.measure import drafts_by_kind
from hack.vllm.server import ServerFailedError, serve

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(600),
    pytest.mark.usefixtures("vllm_environment"),
]

PAIR = Path(__file__).resolve().parents[3] / "examples" / "tiny-pair"
PROMPTS_OF_EACH_KIND = 24


def test_acceptance_is_high_on_code_and_much_lower_on_prose() -> None:
    by_kind = drafts_by_kind(
        PAIR / "target", PAIR / "draft", PAIR / "prompts", PROMPTS_OF_EACH_KIND
    )
    code, prose = by_kind["code"].rate, by_kind["prose"].rate
    assert code is not None and prose is not None
    assert 0.6 <= code <= 0.95
    assert prose <= code - 0.2


def test_an_engine_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(ServerFailedError, match=r"config\.json"), serve(tmp_path):
        pass
