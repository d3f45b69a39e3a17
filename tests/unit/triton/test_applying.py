"""The actuator's decisions against an engine that is the real table holder, without Triton.

Covered: what is applied, read back, put back, given up and tried again; silence; a new engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tandem_runtime.contract.table import Range, SpeculationTable, render
from tandem_runtime.plugin.table.plan import Limits
from tandem_runtime.plugin.table.table_loader import TableLoader
from tandem_runtime.triton import control
from tandem_runtime.triton.applying import READ_BACK_S, Actuator, ChannelError
from tandem_runtime.triton.backend.controlled_table import ControlledTable
from tandem_runtime.triton.control import APPLY, RESTORE, Applied, Order

LIMITS = Limits(5, tuple(range(6)))


def table(generation: int, tokens: int, lock: str = "") -> SpeculationTable:
    return SpeculationTable(lock, generation, (Range(1, 64, tokens),), epoch="e")


class Pod:
    """A table file, an engine, and an actuator between them, on a clock that is set."""

    def __init__(self, folder: Path, engine: Limits = LIMITS, lock: str = "") -> None:
        self.file = folder / "speculation.json"
        self.now_s = 100.0
        self.engine = ControlledTable(lock, engine)
        self.orders: list[Order] = []
        self.silent = False
        self.before: Callable[[Order], None] = lambda order: None
        self.loader = TableLoader(str(self.file), "", LIMITS)
        self.actuator = Actuator(self.loader, self, lambda: self.now_s)

    async def order(self, order: Order) -> Applied:
        self.before(order)
        if self.silent:
            raise ChannelError("no answer")
        self.orders.append(order)
        # Through the text of both, as over the network.
        parsed = control.parse_order(control.render_order(order, "key"), "key")
        return control.parse_applied(control.render_applied(self.engine.take(parsed)))

    def poll(self, put: SpeculationTable | str | None = None, after_s: float = 0.1) -> None:
        if put is not None:
            self.file.write_text(put if isinstance(put, str) else render(put))
        self.now_s += after_s
        asyncio.run(self.actuator.step())

    @property
    def in_force(self) -> SpeculationTable | None:
        return None if self.engine.plan is None else self.engine.plan.table


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path)


def test_a_new_table_is_in_force_after_one_step(pod: Pod) -> None:
    for generation, tokens in enumerate((3, 0, 5, 5)):
        pod.poll(table(generation, tokens))
        assert pod.in_force == table(generation, tokens)
        assert pod.engine.poll(0.0)
        assert not pod.engine.poll(0.0)


def test_nothing_is_asked_between_two_readings_while_nothing_is_new(pod: Pod) -> None:
    pod.poll(table(1, 3))
    asked = len(pod.orders)
    pod.poll(after_s=READ_BACK_S / 2)
    assert len(pod.orders) == asked
    pod.poll(after_s=READ_BACK_S)
    assert [order.act for order in pod.orders[asked:]] == ["read"]


def test_without_a_file_the_engine_keeps_its_start_depth(pod: Pod) -> None:
    pod.poll()
    assert pod.in_force is None
    assert pod.engine.refused == {"missing": 1}


@pytest.mark.parametrize("bad", ["", "{", "[]", render(table(1, 1)).replace("[1,64,1]", "[2,1,1]")])
def test_a_bad_file_changes_nothing_and_is_counted(bad: str, pod: Pod) -> None:
    pod.poll(table(1, 3))
    pod.poll(bad, after_s=READ_BACK_S)
    assert pod.in_force == table(1, 3)
    assert pod.engine.refused == {"invalid": 1}


def test_a_restarted_engine_gets_its_table_again(pod: Pod) -> None:
    pod.poll(table(1, 3))
    pod.engine = ControlledTable("", LIMITS)
    pod.poll(after_s=READ_BACK_S)
    assert pod.in_force == table(1, 3)


def test_silence_loses_nothing_and_the_table_follows_as_soon_as_there_is_an_answer(
    pod: Pod,
) -> None:
    pod.poll(table(1, 3))
    pod.silent = True
    pod.poll(table(2, 1))
    pod.poll(table(3, 4))
    assert pod.in_force == table(1, 3)
    pod.silent = False
    pod.poll()
    assert pod.in_force == table(3, 4)


def test_an_answer_that_is_lost_after_the_order_is_found_by_reading_back(pod: Pod) -> None:
    def lost(order: Order) -> None:
        if order.act == "read" and pod.orders and pod.orders[-1].act == APPLY:
            pod.before = lambda order: None
            raise ChannelError("lost")

    pod.before = lost
    pod.poll(table(1, 3))
    pod.poll()
    assert pod.in_force == table(1, 3)
    assert [order.act for order in pod.orders].count(APPLY) == 1


def test_where_another_k_would_be_used_the_table_before_is_put_back(tmp_path: Path) -> None:
    pod = Pod(tmp_path, engine=Limits(5, (0, 1, 5)))
    pod.poll(table(1, 1))
    pod.poll(table(2, 3))  # the engine has no K=3 and would take 1

    assert pod.in_force == table(1, 1)
    assert pod.actuator.refused == {"readback": 1}
    asked = len(pod.orders)
    pod.poll(after_s=READ_BACK_S)
    pod.poll(after_s=READ_BACK_S)
    assert [order.act for order in pod.orders[asked:]] == ["read", "read"]
    assert pod.engine.refused == {"readback": 1}
    pod.poll(table(3, 5))
    assert pod.in_force == table(3, 5)


def test_a_first_table_that_does_not_go_leaves_the_start_depth(tmp_path: Path) -> None:
    pod = Pod(tmp_path, engine=Limits(5, (0, 5)))
    pod.poll(table(1, 3))
    assert pod.in_force is None
    assert pod.orders[-1] == Order(RESTORE, None, {"readback": 1})


def test_an_engine_that_began_anew_is_asked_again_and_keeps_the_last_good_table(
    tmp_path: Path,
) -> None:
    pod = Pod(tmp_path, engine=Limits(5, (0, 1, 5)))
    pod.poll(table(1, 1))
    pod.poll(table(2, 3))
    pod.engine = ControlledTable("", Limits(5, (0, 1, 5)))
    pod.poll(after_s=READ_BACK_S)
    assert pod.in_force == table(1, 1)
    pod.engine = ControlledTable("", LIMITS)
    pod.poll(after_s=READ_BACK_S)
    assert pod.in_force == table(2, 3)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [(table(3, 1), "generation 3"), (table(9, 1, "theirs"), "of lock 'theirs'")],
)
def test_what_the_engine_refuses_stays_refused(
    wanted: SpeculationTable, expected: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pod = Pod(tmp_path, lock="ours")
    pod.engine.take(Order(APPLY, table(5, 4, "ours")))
    pod.poll(wanted if wanted.lock else table(3, 1, "ours"))

    assert pod.in_force == table(5, 4, "ours")
    assert pod.actuator.refused == {"engine": 1}
    assert expected in caplog.text


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"key": "wrong", "act": "read"}', '{"key": 3, "act": "read"}',
     '{"key": "key"}', '{"key": "key", "act": "stop"}', '{"key": "key", "act": "apply"}',
     '{"key": "key", "act": "apply", "table": {"version": 1}}'],
)  # fmt: skip
def test_an_order_without_the_key_or_without_sense_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        control.parse_order(text, "key")


@pytest.mark.parametrize(
    "answer", ["", "[]", "{}", '{"instance": "a", "effective": 3, "error": ""}']
)
def test_an_answer_that_says_nothing_is_none(answer: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        control.parse_applied(answer)


def test_a_key_is_new_each_time_and_nobody_elses_to_read(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    first, second = control.make_key(folder), control.make_key(folder)
    assert first != second == control.read_key(folder)
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_an_order_is_taken_whole_or_not_at_all() -> None:
    controlled = ControlledTable("ours", LIMITS)
    controlled.take(Order(APPLY, table(2, 3, "ours")))
    before: Any = controlled.plan
    for refused in (table(1, 1, "ours"), table(3, 1, "theirs")):
        assert controlled.take(Order(APPLY, refused)).error
        assert controlled.plan is before
    assert controlled.take(Order(RESTORE, table(1, 1, "ours"))).error == ""
    assert controlled.take(Order(RESTORE, table(1, 1, "theirs"))).error
    assert controlled.take(Order(RESTORE, None)).table is None
