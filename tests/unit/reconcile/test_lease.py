"""One leader at a time, without agreement about clocks; a deposed one writes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from tandem_operator.reconcile.lease import DURATION_S, MARGIN_S, Lease, LeaseLostError
from tandem_operator.reconcile.requests.client import Client
from tests.unit.reconcile.world import NAMESPACE, HandClock, Hands, Object, Server

WRITES_FOR_S = DURATION_S - MARGIN_S


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> HandClock:
    """The test's clock; it goes on by itself where the Lease sleeps."""
    clock = HandClock()
    yields: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def sleep(seconds: float) -> None:
        clock.move(seconds)
        await yields(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return clock


@pytest.fixture
def server() -> Server:
    server = Server()
    server.put({"kind": "Lease", "metadata": {"name": "tandem"}})
    return server


def lease(server: Server, clock: HandClock, identity: str) -> Lease:
    return Lease(cast(Client, Hands(server)), NAMESPACE, "tandem", identity, clock)


def record(server: Server) -> Object:
    stored = server.get("Lease", "tandem")
    assert stored is not None
    spec: Object = stored["spec"]
    return spec


async def test_a_free_lease_is_taken_at_once(server: Server, clock: HandClock) -> None:
    began_s = clock.now_s()
    one = lease(server, clock, "one")
    await one.acquire()

    assert one.held
    assert clock.now_s() == began_s
    assert record(server)["holderIdentity"] == "one"
    assert record(server)["leaseTransitions"] == 1


async def test_the_leader_stops_writing_before_anybody_can_take_over(
    server: Server, clock: HandClock
) -> None:
    one, two = lease(server, clock, "one"), lease(server, clock, "two")
    await one.acquire()
    began_s = clock.now_s()

    clock.move(WRITES_FOR_S - 0.1)
    assert one.held
    await two.acquire()

    assert clock.now_s() - began_s >= DURATION_S
    assert [one.held, two.held] == [False, True]
    clock.move(began_s + WRITES_FOR_S - clock.now_s())
    assert [one.held] == [False], "already at the end of its own time"


async def test_a_write_has_until_somebody_else_could_lead(server: Server, clock: HandClock) -> None:
    one = lease(server, clock, "one")
    assert one.left_s == 0
    await one.acquire()
    assert one.left_s == DURATION_S

    clock.move(WRITES_FOR_S - 0.5)
    assert one.left_s == pytest.approx(MARGIN_S + 0.5)
    clock.move(0.5)
    assert one.left_s == 0, "what is sent now could be under way for a moment too long"


async def test_a_challenger_waits_a_whole_duration_of_its_own(
    server: Server, clock: HandClock
) -> None:
    """Even where the record says that its time is long over: clocks differ."""
    one, two = lease(server, clock, "one"), lease(server, clock, "two")
    await one.acquire()
    clock.move(10 * DURATION_S)
    began_s = clock.now_s()

    await two.acquire()

    assert clock.now_s() - began_s >= DURATION_S
    assert record(server)["holderIdentity"] == "two"
    assert record(server)["leaseTransitions"] == 2


async def test_a_lease_that_is_renewed_is_never_taken(server: Server, clock: HandClock) -> None:
    one, two = lease(server, clock, "one"), lease(server, clock, "two")
    await one.acquire()
    began_s = clock.now_s()
    keeping = asyncio.create_task(one.keep())
    challenging = asyncio.create_task(two.acquire())
    while clock.now_s() - began_s < 20 * DURATION_S:
        await asyncio.sleep(0)
        assert one.held
        assert not two.held

    for task in (keeping, challenging):
        task.cancel()
    await asyncio.gather(keeping, challenging, return_exceptions=True)


async def test_release_hands_over_at_once(server: Server, clock: HandClock) -> None:
    one, two = lease(server, clock, "one"), lease(server, clock, "two")
    await one.acquire()
    await one.release()
    began_s = clock.now_s()

    assert not one.held
    await two.acquire()
    assert clock.now_s() == began_s


async def test_the_lease_of_a_successor_is_not_released(server: Server, clock: HandClock) -> None:
    one = lease(server, clock, "one")
    await one.acquire()
    server.put({"kind": "Lease", "metadata": {"name": "tandem"}, "spec": {"holderIdentity": "two"}})

    await one.release()

    assert record(server)["holderIdentity"] == "two"


async def test_a_deposed_leader_ends(server: Server, clock: HandClock) -> None:
    one = lease(server, clock, "one")
    await one.acquire()
    server.put({"kind": "Lease", "metadata": {"name": "tandem"}, "spec": {"holderIdentity": "two"}})

    with pytest.raises(LeaseLostError, match="held by two"):
        await one.keep()

    assert not one.held


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 (the clock of the tests moves in between)
        await asyncio.sleep(0)


async def test_in_an_outage_nothing_is_written_and_after_it_the_leader_goes_on(
    server: Server, clock: HandClock
) -> None:
    one = lease(server, clock, "one")
    await one.acquire()
    began_s = clock.now_s()
    server.down = True
    regained: list[bool] = []
    keeping = asyncio.create_task(one.keep(lambda: regained.append(one.held)))
    await until(lambda: not one.held)
    assert WRITES_FOR_S <= clock.now_s() - began_s < DURATION_S
    assert one.left_s == 0

    await until(lambda: clock.now_s() > began_s + 10 * DURATION_S)
    server.down = False
    await until(lambda: one.held)
    keeping.cancel()
    assert regained == [True]


async def test_an_api_server_that_knows_no_roles_yet_is_waited_for(
    server: Server, clock: HandClock
) -> None:
    one = lease(server, clock, "one")
    await one.acquire()
    server.refuse["Lease"] = (403, 'leases "tandem" is forbidden')
    keeping = asyncio.create_task(one.keep())
    await until(lambda: not one.held or keeping.done())

    del server.refuse["Lease"]
    await until(lambda: one.held or keeping.done())

    assert not keeping.done()
    keeping.cancel()


async def test_a_leader_that_another_followed_in_an_outage_ends(
    server: Server, clock: HandClock
) -> None:
    one = lease(server, clock, "one")
    await one.acquire()
    server.down = True
    keeping = asyncio.create_task(one.keep())
    await until(lambda: not one.held)
    server.down = False
    server.put({"kind": "Lease", "metadata": {"name": "tandem"}, "spec": {"holderIdentity": "two"}})

    with pytest.raises(LeaseLostError, match="held by two"):
        await keeping


async def test_a_restarted_leader_goes_on_with_its_own_lease(
    server: Server, clock: HandClock
) -> None:
    await lease(server, clock, "one").acquire()
    began_s = clock.now_s()
    again = lease(server, clock, "one")
    await again.acquire()

    assert clock.now_s() == began_s
    assert record(server)["leaseTransitions"] == 1


async def test_a_missing_lease_is_told(server: Server, clock: HandClock) -> None:
    server.objects.clear()

    with pytest.raises(LeaseLostError, match="serving/tandem does not exist"):
        await lease(server, clock, "one").acquire()


async def test_two_that_ask_at_once_do_not_both_lead(server: Server, clock: HandClock) -> None:
    one, two = lease(server, clock, "one"), lease(server, clock, "two")
    first, second = asyncio.create_task(one.acquire()), asyncio.create_task(two.acquire())
    await asyncio.wait((first, second), return_when=asyncio.FIRST_COMPLETED)

    assert [one.held, two.held].count(True) == 1
    for task in (first, second):
        task.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
