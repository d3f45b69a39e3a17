"""Whatever users, controllers and chance do, plans settle, and what they make is consistent."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tandem_runtime.contract.table import Range
from tests.unit.planning import builders
from tests.unit.planning.world import World

EDITS = st.sampled_from(
    [
        {"replicas": 0},
        {"replicas": 1},
        {"replicas": 3},
        {"draft.uri": "hf://org/other"},
        {"draft.uri": "hf://org/draft"},
        {"engine.args": ["--max-model-len=4096"]},
        {"engine.args": ["--port=1"]},
        {"engine.args": None},
        {"template": {"spec": {"nodeSelector": {"gpu": "h100"}}}},
        {"template": {"spec": {"restartPolicy": "Never"}}},
        {"template": None},
        {"tuning.maxTokens": 0},
        {"tuning.maxTokens": None},
        {"tuning.mode": "Observe"},
        {"tuning.mode": "Auto"},
        {"paused": True},
        {"paused": False},
    ]
)


class AnyHistory(RuleBasedStateMachine):
    """A world to which anything happens in any order, settled after each."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.world.settle()

    @rule(change=EDITS)
    def the_user_edits(self, change: dict[str, object]) -> None:
        self.world.edit(change)
        self.world.settle()

    @precondition(lambda self: self.pending_jobs())
    @rule(good=st.booleans())
    def the_lock_ends(self, good: bool) -> None:
        draft = self.world.resource["spec"]["draft"]["uri"]
        report = builders.good(draft=builders.side(draft)) if good else builders.wrong()
        self.world.lock_ends(report)
        self.world.settle()

    @precondition(lambda self: self.world.all_of("Deployment"))
    @rule()
    def the_rollout_ends(self) -> None:
        self.world.roll_out()
        self.world.settle()

    @rule(seconds=st.sampled_from([1, 61, 700]))
    def time_passes(self, seconds: int) -> None:
        self.world.pass_time(seconds)
        self.world.settle()

    @precondition(lambda self: self.world.objects)
    @rule(data=st.data())
    def somebody_deletes_a_child(self, data: st.DataObject) -> None:
        # What the Deployment's controller makes is that controller's to bring back and to tell.
        made = ("Pod", "ReplicaSet")
        places = sorted(place for place in self.world.objects if place[0] not in made)
        if places:
            del self.world.objects[data.draw(st.sampled_from(places))]
            self.world.settle()

    @rule()
    def status_is_lost(self) -> None:
        self.world.resource["status"] = {"observedGeneration": -1}
        self.world.settle()

    @precondition(lambda self: self.world.all_of("ControllerRevision"))
    @rule(tokens=st.integers(0, 7))
    def the_tuner_decides(self, tokens: int) -> None:
        decided = builders.decision(schedule=(Range(1, 256, tokens),), message=f"{tokens}")
        self.world.tuning = builders.tuning(self.world.lock_hash, decision=decided)
        self.world.settle()

    def pending_jobs(self) -> bool:
        jobs = self.world.all_of("Job")
        return len(jobs) == 1 and "status" not in jobs[0]

    @invariant()
    def at_most_one_of_reconciling_and_stalled(self) -> None:
        world = self.world
        assert world.condition("Reconciling") is None or world.condition("Stalled") is None
        assert (
            world.resource["status"]["observedGeneration"]
            == (world.resource["metadata"]["generation"])
        )

    @invariant()
    def the_table_of_every_kept_lock_that_runs_stands(self) -> None:
        if self.world.resource["spec"].get("paused"):
            return
        kept = {raw["data"]["lock"]["hash"] for raw in self.world.all_of("ControllerRevision")}
        for raw in self.world.all_of("Deployment"):
            lock = raw["spec"]["template"]["metadata"]["labels"]["tandem.dev/lock"]
            if lock in kept:
                assert ("ConfigMap", f"chat-speculation-{lock[:8]}") in self.world.objects

    @invariant()
    def a_draft_that_was_refused_is_in_no_pod(self) -> None:
        if self.world.condition("PairCompatible") == ("False", "IdsDiffer"):
            refused = self.world.resource["status"]["candidate"]["inputHash"]
            assert ("ControllerRevision", f"chat-{refused}") not in self.world.objects


AnyHistory.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
test_any_history = AnyHistory.TestCase
