"""K while a real Triton serves: the table file, the actuator beside it, and what goes wrong.

Covered: eight clients while K changes, with no error, unchanged answers and K on the page within a
second; tables that are no tables, another lock's and older ones; an engine that would use another K
than was asked; Triton gone and back; an engine process that dies; a drain.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from hack.triton.server import REPOSITORY, Pod, Process, actuator, pod, triton
from tandem_runtime.contract import environment
from tests.engines.triton.asking import (
    PROMPTS,
    generate,
    sample,
    shows,
    stream,
    table,
    wait,
)  # fmt: skip
from tests.engines.triton.conftest import DEEPEST, DRAFT, PAIR

SECONDS = float(os.environ.get("TANDEM_TRITON_SECONDS", "20"))
CHANGE_S = 5.0
CLIENTS = 8
IN_FORCE_S = 1.0

pytestmark = [pytest.mark.engine, pytest.mark.timeout(max(300, SECONDS * 2 + 120))]


@pytest.fixture
def acting(place: Pod, server: Process) -> Iterator[Process]:
    """An actuator that has put K=2 in force, whatever was before."""
    place.put(replace(table(0, 2), epoch=f"begin {time.monotonic_ns()}"))
    with actuator(place, DEEPEST) as made:
        wait(shows(place, 0, 2), "the first table in force")
        yield made


def test_eight_clients_see_nothing_of_a_changing_k(place: Pod, acting: Process) -> None:
    wanted = {prompt: generate(place, text_input=prompt).json() for prompt in PROMPTS}
    end_s = time.monotonic() + SECONDS
    wrong: list[str] = []
    answers = [0] * CLIENTS

    def client(number: int) -> None:
        while time.monotonic() < end_s:
            prompt = PROMPTS[(number + answers[number]) % len(PROMPTS)]
            try:
                if number % 2:
                    text = "".join(each["text_output"] for each in stream(place, text_input=prompt))
                else:
                    text = generate(place, text_input=prompt).json()["text_output"]
            except (httpx.HTTPError, KeyError) as error:
                wrong.append(repr(error))
            else:
                if text != wanted[prompt]["text_output"]:
                    wrong.append(text)
            answers[number] += 1

    clients = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for each in clients:
        each.start()
    delays, generation = [], 0
    while time.monotonic() < end_s - IN_FORCE_S:
        generation += 1
        tokens = (0, DEEPEST, 1, 3)[generation % 4]
        place.put(table(generation, tokens))
        delays.append(wait(shows(place, generation, tokens), f"generation {generation}"))
        used = min(end_s, time.monotonic() + CHANGE_S - delays[-1])
        wait(
            lambda k=tokens: sample(place, "tandem:current_tokens") == k,
            f"a step at K = {tokens}",
            max(used - time.monotonic(), 2.0),
        )
        while time.monotonic() < used:
            threading.Event().wait(0.1)
    for each in clients:
        each.join()

    print(f"{sum(answers)} answers in {SECONDS:.0f} s, {len(delays)} changes of K, "
          f"in force after at most {max(delays):.2f} s")  # fmt: skip
    assert wrong == []
    assert min(answers) > 0
    assert len(delays) >= 2
    assert max(delays) < IN_FORCE_S


@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        ("{", "invalid"),
        ('{"version": 1, "lock": "", "schedule": []}', "invalid"),
        (table(-1 + 5, 3), "stale"),
    ],
)
def test_a_bad_table_leaves_the_last_good_one_in_force(
    bad: object, cause: str, place: Pod, acting: Process
) -> None:
    place.put(table(7, 4))
    wait(shows(place, 7, 4), "a good table")
    place.put(bad)  # type: ignore[arg-type]
    counted = f'tandem:table_refused_total{{cause="{cause}"}} 1'
    wait(lambda: counted in _page(place), counted)

    assert shows(place, 7, 4)()
    place.put(table(8, 1))
    wait(shows(place, 8, 1), "the next good table")


def _page(place: Pod) -> str:
    return httpx.get(f"{place.page_url}/metrics", timeout=30).text


def test_where_another_k_would_be_used_the_table_before_is_put_back(
    place: Pod, acting: Process
) -> None:
    place.put(table(3, 1))
    wait(shows(place, 3, 1), "a good table")
    acting.stop()
    # This actuator takes the engine for one of 9: the engine clips what it cannot do to 5.
    with actuator(place, 9) as mistaken:
        place.put(table(4, 9))
        wait(lambda: "generation 4 is not applied" in mistaken.output(), "a refusal")
        wait(shows(place, 3, 1), "the table before")
        wait(lambda: 'cause="readback"} 1' in _page(place), "a count on the page")
        place.put(table(5, 4))
        wait(shows(place, 5, 4), "the next table")


def test_an_actuator_that_starts_anew_takes_nothing_away(place: Pod, acting: Process) -> None:
    place.put(table(6, 3))
    wait(shows(place, 6, 3), "a good table")
    acting.stop()
    place.put(table(5, 1))
    with actuator(place, DEEPEST) as anew:
        wait(lambda: "generation 5 is not applied" in anew.output(), "a refusal by the engine")
        wait(lambda: 'cause="engine"} 1' in _page(place), "a count on the page")
        assert shows(place, 6, 3)()


def test_a_table_of_another_lock_is_not_applied_by_the_engine_either() -> None:
    locked = {environment.LOCK: '{"version": 1, "hash": "ours"}'}
    with pod() as place, triton(place, PAIR / "target", *DRAFT, environ=locked):
        place.put(table(1, 4))
        with actuator(place, DEEPEST) as unlocked:
            wait(lambda: "is of lock" in unlocked.output(), "the engine's refusal")
            assert sample(place, "tandem:applied_generation") == -1
        place.put(replace(table(1, 4), lock="ours"))
        with actuator(place, DEEPEST, locked):
            wait(shows(place, 1, 4), "the table of the right lock")


def test_a_triton_that_is_gone_is_waited_for_and_one_that_comes_back_gets_its_table() -> None:
    with pod() as place, actuator(place, DEEPEST) as acting:
        place.put(table(1, 3))
        with triton(place, PAIR / "target", *DRAFT):
            wait(shows(place, 1, 3), "the table that was there before Triton")
        place.put(table(2, 1))
        wait(lambda: "does not answer" in acting.output(), "a word of the silence")
        with triton(place, PAIR / "target", *DRAFT) as again:
            wait(shows(place, 2, 1), "the table of the meantime")
            assert acting.running.poll() is None
            # The engine's process dies; Triton itself would go on and say that it is ready.
            os.kill(int((place.folder / "metrics" / "engine-pid").read_text()), signal.SIGKILL)
            wait(lambda: again.running.poll() is not None, "the container's end")
            assert again.running.returncode == 1
            assert "the engine's process has ended" in again.output()


FAULT = """
__path__ = [{real!r}]
import pathlib
import tandem_runtime.engine.engine as engine
verify = engine.verify
def failing(*given):
    if pathlib.Path({mark!r}).exists():
        raise RuntimeError("planted")
    return verify(*given)
engine.verify = failing
"""
"""A package before ours that fails a step of the engine once a file is there."""


def test_an_engine_that_fails_tells_its_client_and_ends_the_container() -> None:
    with pod() as place:
        before, mark = place.folder / "fault", place.folder / "mark"
        (before / "tandem_runtime").mkdir(parents=True)
        real = str(REPOSITORY / "runtime" / "tandem_runtime")
        source = FAULT.format(real=real, mark=str(mark))
        (before / "tandem_runtime" / "__init__.py").write_text(source)
        path = os.pathsep.join([str(before), place.environ({})["PYTHONPATH"]])
        with triton(place, PAIR / "target", *DRAFT, environ={"PYTHONPATH": path}) as server:
            assert generate(place).status_code == 200
            mark.touch()
            answer = generate(place)
            assert "the engine has failed" in answer.json()["error"]
            wait(lambda: server.running.poll() is not None, "the container's end")
            assert server.running.returncode == 1


def test_running_requests_end_before_triton_does() -> None:
    with pod() as place, triton(place, PAIR / "target", *DRAFT) as server:

        async def drained() -> int:
            async with httpx.AsyncClient(timeout=60) as client:
                body = {"text_input": "a", "max_tokens": 400, "ignore_eos": True}
                asking = asyncio.create_task(client.post(f"{place.model_url}/generate", json=body))
                running = "vllm:num_requests_running"
                await asyncio.to_thread(wait, lambda: sample(place, running) == 1, "a request")
                stopping = asyncio.create_task(asyncio.to_thread(server.stop))
                answer = await asking
                # The connection stays open, and idle: Triton ends by its limit alone.
                assert await stopping == 0, server.output()[-2000:]
                engine = int((place.folder / "metrics" / "engine-pid").read_text())
                wait(lambda: not os.path.exists(f"/proc/{engine}"), "the engine's end", 5)
                return int(answer.json()["completion_tokens"])

        assert asyncio.run(drained()) == 400


def test_an_option_that_does_not_go_ends_the_start_with_its_reason(
    triton_environment: object,
) -> None:
    from hack.vllm.server import ServerFailedError

    with (
        pod() as place,
        pytest.raises(ServerFailedError, match="--max-model-len 99999"),
        triton(place, PAIR / "target", "--max-model-len", "99999"),
    ):
        pass
