"""Whatever happens to vLLM's schedulers with the plugin, scheduled and returned drafts agree.

Collected by the engine's own Python only; see `test_inside.py`.
"""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tandem_runtime.contract.table import Explore, Range, Segment
from tests.engines.plugin.inside.bench import Bench
from tests.engines.plugin.inside.tables import BOTH, table

tables = st.builds(
    lambda depth, border, high, prefill, explore, enabled, most, allow: table(
        schedule=(Range(1, border, depth), Range(border + 1, 64, high)),
        prefill_schedule=prefill,
        explore=explore,
        enabled=enabled,
        max_concurrency=most,
        constrained_output=allow,
        segments={"s": Segment(1)},
    ),
    depth=st.integers(0, 7),
    border=st.integers(1, 6),
    high=st.integers(0, 7),
    prefill=st.none() | st.just((Range(1, 64, 1),)),
    explore=st.none() | st.just(Explore(every=4, steps=2, offsets=(1, -1, 3))),
    enabled=st.sampled_from([True, True, True, False]),
    most=st.none() | st.integers(1, 6),
    allow=st.sampled_from(["Bypass", "Allow"]),
)
arrivals = st.tuples(
    st.just("add"),
    st.integers(1, 300),
    st.integers(1, 40),
    st.sampled_from(
        [
            {},
            {},
            {"tandem_segment": "s"},
            {"tandem_speculation": "off"},
            {"tandem_max_draft_tokens": 2},
            {"constrained": True},
        ]
    ),
)
actions = st.lists(
    arrivals
    | st.tuples(st.just("step"), st.integers(1, 4))
    | st.tuples(st.just("table"), tables)
    | st.tuples(st.just("abort"), st.integers(0, 20)),
    max_size=30,
)


@BOTH
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(actions=actions, blocks=st.sampled_from([45, 80, 400]), accepts=st.sampled_from([0, 0.6, 1]))
def test_whatever_happens_scheduled_and_returned_drafts_agree(
    asynchronous: bool, actions: list[Any], blocks: int, accepts: float
) -> None:
    """The bench itself refuses drafts that nobody made; here the texts must be the model's too."""
    bench = Bench(asynchronous, blocks=blocks, accepts=accepts)
    wanted: dict[str, int] = {}
    prompts: dict[str, int] = {}
    for action in actions:
        if action[0] == "add":
            name = f"r{len(prompts)}"
            prompts[name], wanted[name] = action[1], action[2]
            bench.add(name, action[1], action[2], **action[3])
        elif action[0] == "step":
            for _ in range(action[1]):
                bench.step()
        elif action[0] == "table":
            bench.plans.put(action[1])
        elif (name := f"r{action[1]}") in wanted and name not in bench.finished:
            bench.abort(name)
            del wanted[name]
    bench.drain()

    assert bench.scheduler.tandem.on
    assert bench.live.errors == 0
    bench.expect_true_outputs(wanted, prompts)
