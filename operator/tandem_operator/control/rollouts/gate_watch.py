"""Which replicas have ended speculation for good by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tandem_operator.control import decision_log
from tandem_operator.engines.metrics.sample import EngineSample
from tandem_operator.metrics.replicas import Replica
from tandem_operator.metrics.windows import window_between
from tandem_operator.planning.rollout.evidence import StoppedView
from tandem_operator.tuning.acceptance import drafting
from tandem_operator.tuning.acceptance.drafting import Drafting


@dataclass
class GateWatch:
    """One resource's, for engines that may do so; pods are known by their UID."""

    _drafting: dict[str, Drafting] = field(default_factory=dict)
    _samples: dict[str, EngineSample] = field(default_factory=dict)
    _pods: dict[str, str] = field(default_factory=dict)
    _now_s: float = 0.0

    def take(
        self, replicas: Iterable[Replica], samples: Mapping[str, EngineSample], now_s: float
    ) -> None:
        """One reading of every replica; those that are gone are forgotten."""
        loaded = {each.uid: each for each in replicas if each.speculation_loaded}
        self._now_s = now_s
        self._pods = {uid: each.pod for uid, each in loaded.items()}
        self._drafting = {uid: state for uid, state in self._drafting.items() if uid in loaded}
        self._samples = {uid: sample for uid, sample in self._samples.items() if uid in loaded}
        for uid, each in loaded.items():
            after, before = samples.get(each.pod), self._samples.get(uid)
            if after is None:
                continue
            self._samples[uid] = after
            if before is None:
                # What it drafted before the first reading counts: the gate may be closed by then.
                self._drafting[uid] = Drafting(drafted=after.totals.get("drafts", 0.0) > 0)
            elif after.at_s > before.at_s:
                window = window_between(before, after, replica=each.pod, speculation_loaded=True)
                self._drafting[uid] = drafting.added(self._drafting[uid], window)

    def stopped(self) -> StoppedView | None:
        """The replicas that draft no more, and since when the first of them."""
        by_pod = {
            self._pods[uid]: since_s
            for uid, state in self._drafting.items()
            if (since_s := drafting.stopped_since(state, self._now_s)) is not None
        }
        if not by_pod:
            return None
        return StoppedView(
            decision_log.moment(min(by_pod.values())), tuple(sorted(by_pod)), len(self._pods)
        )
