"""`python -m hack.tuning`: the tuner against every fixed K on a real engine.

Four closed loops of a tiny pair on CPUs, in blocks: the tuner, speculation off, K = 1, 3, 7, in
random order, with the plugin in all of them. A run takes about two hours; it may be stopped and
goes on where it ended. Figures of a machine that does other work meanwhile are not worth keeping:
the A/A control tells.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from hack.pair.__main__ import PAIR_FOLDER
from hack.tuning import phases, real_run, report, run
from hack.tuning.plot import plot
from hack.tuning.ratio import TooFewRoundsError
from hack.vllm.environment import EnvironmentMissingError, cache_folder
from hack.vllm.server import ServerFailedError
from tandem_operator.bench.endpoint import EndpointError
from tandem_operator.bench.fit import FitError
from tandem_operator.bench.measure import Times
from tandem_operator.bench.measured import Measured
from tandem_operator.bench.state import StateError

COULD_NOT = 2
UNDECIDED = 3
"""Exit code where blocks are missing or the machine was too noisy to tell."""


def main() -> int:
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.rounds < 2:
        parser.error(f"--rounds {arguments.rounds}: give 2 or more, one to pick K and one to score")
    if arguments.block_s <= 0 or arguments.new_tokens < 1:
        parser.error("--block-s and --new-tokens: give numbers above 0")
    options = run.Options(
        target=arguments.target or _widened(),
        draft=arguments.draft,
        prompts=arguments.prompts,
        folder=arguments.folder,
        rounds=arguments.rounds,
        times=Times(arguments.block_s, arguments.warmup_s),
        new_tokens=arguments.new_tokens,
        limit_s=arguments.limit_s,
        seed=arguments.seed,
    )
    try:
        state = run.state_of(options)
        complete = arguments.report or run.measure(
            options, state, lambda text: print(text, flush=True)
        )
    except (EndpointError, StateError, ServerFailedError, EnvironmentMissingError) as problem:
        print(f"bench-tuning: {problem}", file=sys.stderr)
        return COULD_NOT
    journal = options.folder / run.JOURNAL
    try:
        document = report.document_of(state.done, len(phases.blocks(options.rounds, options.seed)))
    except TooFewRoundsError as problem:
        print(f"bench-tuning: {problem}; the same command goes on", file=sys.stderr)
        return UNDECIDED
    (options.folder / "results.json").write_text(json.dumps(document, indent=1) + "\n")
    print(report.text_of(document))
    if journal.exists():
        plot(document, journal, options.folder / "results.png")
    _for_simulator(options, state.done)
    print(f"figures, picture, profile and the run for the simulator: {options.folder}")
    if not complete:
        print("not every block is measured: the same command goes on", file=sys.stderr)
        return UNDECIDED
    return {report.PASSED: 0, report.FAILED: 1}.get(report.verdict_of(document), UNDECIDED)


def _for_simulator(options: run.Options, measured: Sequence[Measured]) -> None:
    """Write real-run.json and profile.json; the second only once blocks determine one."""
    block_s = options.times.block_s
    lengths = run.prompt_tokens(options)
    blocks = real_run.document_of(measured, lengths, options.new_tokens, block_s)
    (options.folder / "real-run.json").write_text(json.dumps(blocks, indent=1) + "\n")
    try:
        profile = real_run.profile_of_run(
            measured, options.new_tokens, datetime.now(UTC).date(), block_s
        )
    except FitError as problem:
        print(f"no profile yet: {problem}", file=sys.stderr)
        return
    (options.folder / "profile.json").write_text(json.dumps(profile, indent=1) + "\n")


def _widened() -> Path:
    """The folder that `python -m hack.pair widen` prints: made once."""
    command = [sys.executable, "-m", "hack.pair", "widen"]
    made = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if made.returncode:
        raise SystemExit(f"bench-tuning: {' '.join(command)} ended with {made.returncode}")
    return Path(made.stdout.strip())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hack.tuning", description=__doc__)
    parser.add_argument("--target", type=Path, help="default: the tiny pair's, widened")
    parser.add_argument("--draft", type=Path, default=PAIR_FOLDER / "draft")
    parser.add_argument("--prompts", type=Path, default=PAIR_FOLDER / "prompts")
    parser.add_argument("--folder", type=Path, default=cache_folder() / "bench-tuning")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--block-s", type=float, default=45.0)
    parser.add_argument("--warmup-s", type=float, default=2.0)
    parser.add_argument("--new-tokens", type=int, default=96)
    parser.add_argument("--limit-s", type=float, default=3 * 3600.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", action="store_true", help="only say what is measured by now")
    return parser


if __name__ == "__main__":
    sys.exit(main())
