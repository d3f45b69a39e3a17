"""The policies of one simulation, played side by side in processes: a run needs one core each.

A process makes the world from the arguments by itself, since what is true in it are functions of
time. The same seed is the same run, in whatever process.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker

from tandem_operator.cli.simulate import options
from tandem_operator.simulation.oracle import Oracle
from tandem_operator.simulation.policies import Fixed, Policy, policy_of
from tandem_operator.simulation.results.report import Outcome
from tandem_operator.simulation.run import World
from tandem_operator.simulation.run import run as simulate
from tandem_operator.simulation.world.load.trace import Trace
from tandem_operator.tuning import Settings

Moved = Callable[[int, int, str], None]
"""Told of each run that ended: how many are done, how many there are, and which."""

BEST_FIXED = "fixed:best"
WORTH_PROCESSES_S = 3600.0
"""Simulated seconds in all, below which processes take longer to start than they save."""
SLOWEST = ("goodput", "thresholds", "oracle", "informed")
"""Begun first, so that none of them is left over at the end."""


@dataclass(frozen=True)
class Prepared:
    """What is played: the world, the tuner's settings, and what a policy may know."""

    world: World
    settings: Settings
    oracle: Oracle

    def policy(self, name: str) -> Policy:
        """The policy of that name. Raises PolicyError."""
        return policy_of(name, self.settings, self.oracle, self.world.survival_at(0.0))


def prepared(arguments: argparse.Namespace, trace: Trace) -> Prepared:
    """Raises ProfileError, TraceError, DriftError, OptionError and OSError."""
    engine = options.engine_of(arguments.profile)
    world = options.world_of(arguments, engine, trace)
    settings = options.settings_of(arguments, engine)
    return Prepared(world, settings, Oracle(world.truth, world.tiers))


def played(world: World, policy: Policy) -> Outcome:
    """One run, with how long it took in seconds of the wall clock."""
    begun_s = time.perf_counter()
    account = simulate(world, policy)
    return Outcome(policy, account, time.perf_counter() - begun_s)


def outcomes_of(
    arguments: argparse.Namespace, trace: Trace, ready: Prepared, moved: Moved
) -> list[Outcome]:
    """The outcomes of all policies that the arguments name, in that order."""
    names = options.names_of(arguments)
    singles = runs_of(names, ready.settings)
    jobs = min(arguments.jobs or os.cpu_count() or 1, len(singles))
    done: dict[str, Outcome] = {}
    if jobs == 1 or len(singles) * ready.world.horizon_s < WORTH_PROCESSES_S:
        for name in singles:
            done[name] = played(ready.world, ready.policy(name))
            moved(len(done), len(singles), name)
    else:
        done = _side_by_side(arguments, trace, singles, jobs, moved)
    return [_best(done, ready.settings) if name == BEST_FIXED else done[name] for name in names]


def runs_of(names: Sequence[str], settings: Settings) -> list[str]:
    """Every run that is needed, once: `fixed:best` needs each K, and K = 0 is `off`."""
    needed = []
    for name in names:
        needed += [_fixed(depth) for depth in settings.depths] if name == BEST_FIXED else [name]
    return list(dict.fromkeys(needed))


def _fixed(depth: int) -> str:
    return f"fixed:{depth}" if depth else "off"


def _best(done: dict[str, Outcome], settings: Settings) -> Outcome:
    """The fixed K that hindsight would have chosen for this very run."""
    best = min(settings.depths, key=lambda depth: done[_fixed(depth)].account.regret)
    best_run = done[_fixed(best)]
    return Outcome(Fixed(f"fixed:{best}, best", best), best_run.account, best_run.wall_s)


def _side_by_side(
    arguments: argparse.Namespace, trace: Trace, names: Sequence[str], jobs: int, moved: Moved
) -> dict[str, Outcome]:
    done: dict[str, Outcome] = {}
    # Not by fork: threads run here, of the progress bar and of the numerical libraries.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, context, initializer=_begin, initargs=(arguments, trace))
    try:
        with _ctrl_c_deferred():
            running: dict[Future[Outcome], str] = {
                pool.submit(_play, name): name
                for name in sorted(names, key=lambda name: name not in SLOWEST)
            }
        for future in as_completed(running):
            done[running[future]] = future.result()
            moved(len(done), len(names), running[future])
    except BaseException:
        # Ctrl-C among others: nobody waits for what the processes are at.
        for process in list((pool._processes or {}).values()):
            process.terminate()
        pool.shutdown(wait=True, cancel_futures=True)
        raise
    pool.shutdown()
    return done


@contextmanager
def _ctrl_c_deferred() -> Iterator[None]:
    """Processes started here never get Ctrl-C, not even while they import; we get it afterwards."""
    # It would lift the block when the first process starts it.
    resource_tracker.ensure_running()
    pressed: list[int] = []
    # The mask is inherited. It is this thread's alone, so others may take the signal meanwhile.
    before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt


_prepared: Prepared | None = None
"""What this process plays in."""


def _begin(arguments: argparse.Namespace, trace: Trace) -> None:
    global _prepared
    _prepared = prepared(arguments, trace)


def _play(name: str) -> Outcome:
    assert _prepared is not None  # the pool runs `_begin` first
    return played(_prepared.world, _prepared.policy(name))
