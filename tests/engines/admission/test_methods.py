"""One good pair of each method, as it is rendered: vLLM's own parser and configuration take it.

The model runner is the one that a GPU takes, though a CPU asks. Of arctic-inference, without which
vLLM refuses Suffix, there is an empty package: that check asks for its name alone.
"""

from __future__ import annotations

import pytest

from hack.vllm import newest
from hack.vllm.environment import VLLM_VERSION
from tandem_operator.api.spec import Method
from tandem_operator.engines import registry
from tandem_operator.engines.vllm.capability import setup_of
from tandem_operator.engines.vllm.facts.methods import METHODS
from tandem_runtime.contract.engines.vllm_capabilities import drafters_of
from tandem_runtime.contract.report import PairReport
from tests.engines.admission.conftest import Accepts
from tests.engines.admission.good_pairs import PAIRS
from tests.engines.admission.pairs import rendered, side

pytestmark = pytest.mark.timeout(900)
VERSIONS = (VLLM_VERSION, newest.VERSION)
Answers = dict[str, tuple[tuple[str, ...], str | None]]


def test_every_method_has_a_pair() -> None:
    assert {pair.method for pair in PAIRS.values()} == set(METHODS)


@pytest.fixture(scope="module", params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    asked: str = request.param
    return asked


@pytest.fixture(scope="module")
def answers(version: str, accepts: Accepts, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """What the driver and the vLLM of a version refuse of each pair."""
    place = tmp_path_factory.mktemp("methods")
    refused, words, runners = [], [], []
    for number, pair in enumerate(PAIRS.values()):
        spec = pair.spec(version)
        paths = place / f"target-{number}", place / f"draft-{number}"
        report = PairReport(
            verdict="Compatible", reason="Equal", allowed=True, message="",
            target=side(paths[0], pair.target),
            draft=None if pair.draft is None else side(paths[1], pair.draft),
        )  # fmt: skip
        refused.append(tuple(map(str, registry.validate_pair(spec, report).refusals)))
        words.append(rendered(spec, report, *paths))
        runners.append(setup_of(spec, report).runner)
    (place / "arctic_inference").mkdir()
    (place / "arctic_inference" / "__init__.py").touch()
    said = accepts(words, version, runners=runners, first=[place], limit_s=600.0)
    return dict(zip(PAIRS, zip(refused, said, strict=True), strict=True))


@pytest.mark.parametrize("name", PAIRS)
def test_a_good_pair_is_taken_by_both(name: str, version: str, answers: Answers) -> None:
    refused, error = answers[name]
    if _has(PAIRS[name].method, version):
        assert (refused, error) == ((), None)
    else:
        assert len(refused) == 1
        assert "speculation.method" in refused[0]
        assert error is not None
        assert "method" in error
        assert "Input should be" in error


def _has(method: Method, version: str) -> bool:
    major, minor, *_ = map(int, version.split("."))
    return METHODS[method] in {each for _, each in drafters_of((major, minor))}
