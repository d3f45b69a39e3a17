"""A key is at most once in line and once at work, and nothing that was asked for is lost."""

from __future__ import annotations

import asyncio

import pytest

from tandem_operator.cluster.store import Key
from tandem_operator.reconcile.queue import (
    LONGEST_BACKOFF_S,
    MOST_AT_WORK,
    MOST_OF_A_NAMESPACE,
    TOGETHER_S,
    Queue,
)
from tests.unit.reconcile.world import HandClock

ONE, TWO = ("serving", "one"), ("serving", "two")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def queue(clock: HandClock) -> Queue:
    return Queue(clock, lambda: 1.0)


async def taken(queue: Queue) -> list[Key]:
    """Everything that is due now, all of it at work afterwards."""
    order = []
    while True:
        try:
            order.append(await asyncio.wait_for(queue.take(), 0.01))
        except TimeoutError:
            return order


async def test_a_key_that_waits_is_not_added_again(queue: Queue) -> None:
    for key in (ONE, TWO, ONE):
        queue.add(key)

    assert await taken(queue) == [ONE, TWO]


async def test_a_key_at_work_is_not_given_to_a_second_worker(queue: Queue) -> None:
    queue.add(ONE)
    await queue.take()
    queue.add(ONE)

    assert await taken(queue) == []


async def test_a_key_that_was_added_while_at_work_comes_again_once(queue: Queue) -> None:
    queue.add(ONE)
    await queue.take()
    queue.add(ONE)
    queue.add(ONE)
    queue.done(ONE)

    assert await taken(queue) == [ONE]
    queue.done(ONE)
    assert await taken(queue) == []


async def test_a_worker_that_waits_gets_the_next_key(queue: Queue) -> None:
    waiting = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    queue.add(ONE)

    assert await waiting == ONE


async def test_a_delayed_key_comes_when_its_time_has_come(queue: Queue, clock: HandClock) -> None:
    queue.add_after(ONE, 30.0)

    clock.move(29.0)
    assert await taken(queue) == []
    clock.move(1.0)
    assert await taken(queue) == [ONE]


async def test_what_happens_within_a_moment_is_one_reconciliation(
    queue: Queue, clock: HandClock
) -> None:
    queue.add_together(ONE)
    clock.move(TOGETHER_S / 2)
    queue.add_together(ONE)
    assert await taken(queue) == []

    clock.move(TOGETHER_S)
    assert await taken(queue) == [ONE]
    queue.done(ONE)
    clock.move(100.0)
    assert await taken(queue) == []


async def test_a_key_in_line_needs_no_reconciliation_a_moment_later(
    queue: Queue, clock: HandClock
) -> None:
    queue.add(ONE)
    queue.add_together(ONE)
    await queue.take()
    queue.done(ONE)

    clock.move(100.0)
    assert await taken(queue) == []


async def test_the_sooner_of_two_delays_counts(queue: Queue, clock: HandClock) -> None:
    queue.add_after(ONE, 30.0)
    queue.add_after(ONE, 10.0)
    queue.add_after(ONE, 20.0)

    clock.move(10.0)
    assert await taken(queue) == [ONE]
    queue.done(ONE)
    clock.move(100.0)
    assert await taken(queue) == [], "the later ones were meant by the first"


async def test_a_delay_that_ends_while_the_key_is_at_work_is_not_lost(
    queue: Queue, clock: HandClock
) -> None:
    queue.add_after(ONE, 1.0)
    queue.add(ONE)
    await queue.take()
    clock.move(1.0)

    assert await taken(queue) == []
    queue.done(ONE)
    assert await taken(queue) == [ONE]


async def test_failures_in_a_row_wait_longer_up_to_a_bound(queue: Queue, clock: HandClock) -> None:
    queue.add(ONE)
    delays_s = []
    for _ in range(12):
        assert await taken(queue) == [ONE]
        delays_s.append(queue.failed(ONE))
        assert await taken(queue) == [], "not before its delay"
        clock.move(delays_s[-1])

    assert delays_s[:4] == [0.25, 0.5, 1.0, 2.0]
    assert delays_s[-1] == LONGEST_BACKOFF_S


async def test_a_success_ends_the_backoff(queue: Queue, clock: HandClock) -> None:
    queue.add(ONE)
    for _ in range(5):
        await queue.take()
        clock.move(queue.failed(ONE))
    await queue.take()
    queue.done(ONE)

    queue.add(ONE)
    await queue.take()
    assert queue.failed(ONE) == 0.25


async def test_a_change_is_reconciled_before_the_backoff_ends(queue: Queue) -> None:
    queue.add(ONE)
    await queue.take()
    queue.failed(ONE)
    queue.add(ONE)

    assert await taken(queue) == [ONE]


async def test_failures_of_one_key_do_not_hold_up_another(queue: Queue) -> None:
    queue.add(ONE)
    await queue.take()
    queue.failed(ONE)
    queue.add(TWO)

    assert await taken(queue) == [TWO]


async def test_a_namespace_that_is_slow_holds_no_other_up(queue: Queue) -> None:
    slow = [("slow", str(number)) for number in range(40)]
    for key in slow:
        queue.add(key)
    assert await taken(queue) == slow[:MOST_OF_A_NAMESPACE]

    queue.add(ONE)
    assert await taken(queue) == [ONE]
    queue.done(slow[0])
    assert await taken(queue) == [slow[MOST_OF_A_NAMESPACE]]


async def test_namespaces_take_turns(queue: Queue) -> None:
    for key in (("a", "1"), ("a", "2"), ("a", "3"), ("b", "1"), ("b", "2"), ("c", "1")):
        queue.add(key)

    namespaces = [key[0] for key in await taken(queue)]
    assert namespaces == ["a", "b", "c", "a", "b", "a"]


async def test_only_so_many_are_at_work_in_all(queue: Queue) -> None:
    for number in range(MOST_AT_WORK + 5):
        queue.add((f"namespace-{number}", "one"))

    assert len(await taken(queue)) == MOST_AT_WORK
    queue.done(("namespace-0", "one"))
    assert len(await taken(queue)) == 1


async def test_its_length_counts_what_waits_and_what_is_at_work(queue: Queue) -> None:
    queue.add(ONE)
    queue.add(TWO)
    await queue.take()

    assert len(queue) == 2


async def test_workers_end_when_they_are_told_to_however_often(queue: Queue) -> None:
    queue.add_after(ONE, 1_000.0)
    workers = [asyncio.create_task(queue.take()) for _ in range(8)]
    await asyncio.wait(workers, timeout=0.01)
    for task in 2 * [*(asyncio.all_tasks() - {asyncio.current_task()})]:
        task.cancel()

    await asyncio.wait(workers, timeout=1)

    assert all(worker.cancelled() for worker in workers)
