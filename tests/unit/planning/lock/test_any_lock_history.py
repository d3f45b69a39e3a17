"""Whatever happens to resources that share a pair, in any order and with any restart: it settles,
no two Jobs inspect the same, and nothing passes from one namespace to another."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tandem_operator.api import names
from tandem_operator.cluster.store import Key
from tests.unit.planning import builders
from tests.unit.planning.builders import Object
from tests.unit.planning.namespaces import Namespaces

SPACES = ("one", "two")
NAMES = ("alpha", "bravo", "charlie", "delta")
BRANCH: Object = {"draft.revision": "main"}
CHANGES = st.sampled_from(
    [
        {"draft.revision": "0" * 39 + "1"},
        {"draft.revision": "0" * 39 + "2"},
        BRANCH,
        {"engine.args": ["--max-model-len=4096"]},
        {"target.secretName": "token"},
        {"target.secretName": None},
        {"paused": True},
        {"paused": False},
    ]
)
OUTCOMES = st.sampled_from([builders.good(), builders.wrong(), builders.not_found()])


class AnyLockHistory(RuleBasedStateMachine):
    """Two namespaces. Reconciliations happen singly or until all is settled, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.world = Namespaces()
        self.allowed: set[str] = set()

    @rule(space=st.sampled_from(SPACES), name=st.sampled_from(NAMES))
    def somebody_creates(self, space: str, name: str) -> None:
        if (space, name) not in self.world.store.known():
            self.world.add(name, namespace=space)

    @precondition(lambda self: self.world.store.known())
    @rule(data=st.data(), change=CHANGES)
    def somebody_edits(self, data: st.DataObject, change: Object) -> None:
        self.world.edit(self.any_key(data), change)

    @precondition(lambda self: self.world.store.known())
    @rule(data=st.data())
    def somebody_deletes(self, data: st.DataObject) -> None:
        self.world.delete(self.any_key(data))

    @precondition(lambda self: self.world.store.known())
    @rule(data=st.data())
    def the_operator_reconciles_once(self, data: st.DataObject) -> None:
        self.world.reconcile(self.any_key(data))

    @rule()
    def the_operator_reconciles_all(self) -> None:
        self.world.settle()

    @rule()
    def the_operator_starts_anew(self) -> None:
        self.world.restart()

    @rule(seconds=st.sampled_from([1, 61, 700]))
    def time_passes(self, seconds: int) -> None:
        self.world.pass_time(seconds)

    @precondition(lambda self: self.keys_with_jobs())
    @rule(data=st.data(), outcome=OUTCOMES)
    def a_job_ends(self, data: st.DataObject, outcome: object) -> None:
        key = data.draw(st.sampled_from(self.keys_with_jobs()))
        self.world.job_ends(key, outcome)  # type: ignore[arg-type]
        if outcome == builders.good():
            self.allowed.add(key[0])

    def any_key(self, data: st.DataObject) -> Key:
        return data.draw(st.sampled_from(sorted(self.world.store.known())))

    def keys_with_jobs(self) -> list[Key]:
        return [
            key for key in sorted(self.world.store.known()) if len(self.world.pending(key)) == 1
        ]

    @invariant()
    def no_two_jobs_inspect_the_same_pair_in_a_namespace(self) -> None:
        pairs = Counter(
            (key[0], job["metadata"]["labels"][names.LABEL_PAIR])
            for key in self.world.store.known()
            for job in self.world.pending(key)
            if names.LABEL_PAIR in job["metadata"]["labels"]
        )
        assert not [pair for pair, count in pairs.items() if count > 1]

    @invariant()
    def nothing_is_locked_in_a_namespace_where_no_job_allowed_it(self) -> None:
        for key in self.world.store.known():
            assert not self.world.locked(key) or key[0] in self.allowed

    @invariant()
    def what_may_change_is_never_shared(self) -> None:
        for key in self.world.store.known():
            raw = self.world.store.resource(key) or {}
            if raw["spec"]["draft"]["revision"] == "main":
                assert self.world.plan(key).sharing is None

    def teardown(self) -> None:
        """Once everybody may go on, every resource is locked and none waits for another."""
        for key in self.world.store.known():
            self.world.edit(key, {"paused": False, "draft.revision": "0" * 39 + "3"})
        self.world.settle()
        while waiting := self.keys_with_jobs():
            self.world.job_ends(waiting[0], builders.good())
            self.world.settle()
        assert all(self.world.locked(key) for key in self.world.store.known())


AnyLockHistory.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
test_any_lock_history = AnyLockHistory.TestCase
