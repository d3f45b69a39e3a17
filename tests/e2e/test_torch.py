"""The control loop on the torch engine: K follows the load of real requests on a real cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from hack.demo.load import Request
from hack.demo.phases import prompts
from tests.e2e.serving import Serving, load

pytestmark = [pytest.mark.node, pytest.mark.engine, pytest.mark.timeout(900)]

NAME = "torch-chat"
MOST_CLIENTS = 4
DRAFTED = 3.0


@pytest.fixture(scope="module")
def torch_serving(place: Serving) -> Iterator[Serving]:
    """The pair of the other tests on the torch engine, one replica, Ready."""
    served = replace(place, name=NAME)
    served.apply(
        NAME,
        replicas=1,
        engine={
            "type": "Torch",
            "args": ["--max-model-len=512", "--max-num-seqs=32", "--kv-cache-mib=128"],
        },
        tuning={"mode": "Fixed", "thresholds": {"maxConcurrency": MOST_CLIENTS}},
    )
    served.wait_ready(NAME, timeout_s=300)
    yield served
    served.kubectl.run("delete", "specdep", NAME)


def test_k_falls_under_load_and_comes_back_without_a_restart_or_a_failed_request(
    torch_serving: Serving,
) -> None:
    before = torch_serving.restarts()
    (engine,) = torch_serving.engines()
    requests: list[Request] = []

    def k_is(tokens: float) -> bool:
        return engine.gauge("tandem:current_tokens") == tokens

    for clients, tokens in ((1, DRAFTED), (16, 0.0), (2, DRAFTED)):
        with load(torch_serving, clients) as finished:
            torch_serving.wait(f"K is {tokens} with {clients} clients", partial(k_is, tokens), 90)
        requests += finished

    assert len(requests) > 16
    assert [request.error for request in requests if request.error] == []
    assert torch_serving.restarts() == before
    assert set(before.values()) == {0}


def test_text_is_the_same_with_and_without_drafts(torch_serving: Serving) -> None:
    texts = set()
    (engine,) = torch_serving.engines()

    def table_says(tokens: int) -> bool:
        return bool(torch_serving.table()["schedule"][0][2] == tokens)

    def applies(generation: int) -> bool:
        return engine.gauge("tandem:applied_generation") == generation

    for tokens in (0, 7):
        torch_serving.patch({"speculation": {"initialTokens": tokens}})
        torch_serving.wait(f"the table says {tokens}", partial(table_says, tokens))
        generation = torch_serving.table()["generation"]
        torch_serving.wait("the engine applies it", partial(applies, generation))
        texts.add(tuple(torch_serving.complete(prompt, 48) for prompt in prompts("code")[:6]))

    assert len(texts) == 1


def test_a_segment_has_its_own_cap_and_its_own_acceptance(torch_serving: Serving) -> None:
    """With a cap of 1 each drafted token is accepted, or it is the rejection."""
    segments = [{"name": "creative", "maxTokens": 1}, {"name": "code", "maxTokens": 7}]
    torch_serving.patch({"speculation": {"initialTokens": 7}, "tuning": {"segments": segments}})
    torch_serving.wait(
        "the table has the caps", lambda: len(torch_serving.table()["segments"]) == 2
    )
    generation = torch_serving.table()["generation"]
    (engine,) = torch_serving.engines()
    torch_serving.wait(
        "the engine applies it", lambda: engine.gauge("tandem:applied_generation") == generation
    )

    def counted(series: str, segment: str) -> float:
        samples = engine.all(f"tandem:segment_{series}_total")
        return sum(value for labels, value in samples if labels["segment"] == segment)

    texts = []
    for segment in ("creative", "code", "unheard-of", None):
        marks = {} if segment is None else {"tandem_segment": segment}
        texts.append(
            tuple(torch_serving.complete(each, 48, **marks) for each in prompts("code")[:6])
        )
    assert len(set(texts)) == 1
    torch_serving.wait("all are counted", lambda: counted("drafted", "other") > 0)

    judged = {
        name: counted("accepted", name) + counted("rejected_drafts", name)
        for name in ("creative", "code")
    }
    assert 0 < counted("drafted", "creative") == judged["creative"]
    assert counted("drafted", "code") > judged["code"] > 0

    def segments_seen() -> set[str]:
        """As traffic goes on: what a window counts in which the table changed is no measurement."""
        for segment in ("creative", "code", "unheard-of"):
            torch_serving.complete("def main():", 16, tandem_segment=segment)
        speculation = torch_serving.resource()["status"]["speculation"]
        return {each["name"] for each in speculation.get("segments", [])}

    torch_serving.wait(
        "status tells them", lambda: segments_seen() == {"creative", "code", "other"}, 150
    )
