"""`make demo`: the main job from nothing to a picture.

Says first what it needs, and builds nothing where that is missing. Exits non-zero, saying why, when
K did not fall and come back, a request failed, or a pod restarted.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from hack.cluster.binaries import MissingProgramError
from hack.demo import serve
from hack.demo.checks import complaints, reaction_s
from hack.demo.environment import machine, needs
from hack.demo.environment.cluster import Environment, prepared
from hack.demo.environment.kubectl import DemoError
from hack.demo.environment.setup import REPOSITORY
from hack.demo.load import Phase
from hack.demo.phases import off_phases, tuned_phases
from hack.demo.report import PhaseResult, summarize, write_report
from hack.demo.table import summary
from hack.demo.watch import Watch

REPORT = Path("demo-report")
EASY, HARD = "code", "prose"


def main() -> int:
    arguments = _parser().parse_args()
    started_s = time.monotonic()

    def say(text: str) -> None:
        print(text, flush=True)

    def step(text: str) -> None:
        say(f"\n[{time.monotonic() - started_s:4.0f} s] {text}")

    try:
        served = serve.manifest(arguments.engine)
        _check(say)
        if arguments.check:
            return 0
        with prepared(arguments.engine, keep=arguments.keep, step=step, say=say) as environment:
            failed = _show(environment, served, step, say)
            if arguments.keep:
                say(environment.next_steps())
    except DemoError as error:
        print(f"\ndemo failed: {error}", file=sys.stderr)
        return 1
    step("done" if not failed else "demo failed:")
    for complaint in failed:
        print(f"  - {complaint}", file=sys.stderr)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m hack.demo",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="CLUSTER=local or kind chooses the Kubernetes; TANDEM_CACHE is the folder of what "
        "is built once.",
    )
    parser.add_argument("--check", action="store_true", help="say what it needs, and stop")
    parser.add_argument(
        "--engine",
        default=os.environ.get("ENGINE") or "vllm",
        help=f"{' or '.join(serve.MANIFESTS)}; default: ENGINE, else vllm",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        default=os.environ.get("DEMO_KEEP") == "1",
        help="leave it running, and say how to look around; also DEMO_KEEP=1",
    )
    return parser


def _check(say: serve.Say) -> None:
    """Say what is needed. Raises DemoError with everything that is missing."""
    try:
        here = machine.detect()
    except MissingProgramError as error:
        raise DemoError(str(error)) from error
    phases = (*tuned_phases(EASY, HARD), *off_phases(EASY, HARD))
    say(needs.describe(here, sum(phase.duration_s for phase in phases)))
    if wrong := needs.problems(here):
        listed = "".join(f"\n  - {each}" for each in wrong)
        raise DemoError(f"it cannot start here, and nothing was built:{listed}")


def _show(environment: Environment, served: Path, step: serve.Say, say: serve.Say) -> list[str]:
    kubectl = environment.kubectl
    applied = served.relative_to(REPOSITORY)
    step(f"kubectl apply -f {applied}; the lock inspects first, then the engine starts")
    serve.apply_and_wait(kubectl, served, say)
    say(kubectl.run("get", "specdep"))
    before = serve.restarts(kubectl)
    watch = Watch(kubectl, serve.NAME, say)
    with serve.endpoint(kubectl) as endpoint:
        step(f"four loads through the Service at {endpoint}")
        tuned = _drive(watch, endpoint, tuned_phases(EASY, HARD))
        samples = list(watch.samples)
        step("the same without speculation (tuning.maxTokens: 0, live)")
        serve.wait_for_tokens(kubectl, 0, say)
        off = _drive(watch, endpoint, off_phases(EASY, HARD))
        serve.wait_for_tokens(kubectl, None, say)
    after = serve.restarts(kubectl)
    step("kubectl apply -f examples/demo/wrong-pair.yaml: same sizes, permuted vocabulary")
    say(f"refused, and no pod was made: {serve.refusal(kubectl, say)}")
    write_report(
        REPORT,
        tuned,
        off,
        watch.samples,
        {**environment.facts(), "reaction_s": reaction_s(samples)},
    )
    step(f"summary ({REPORT}/report.json, {REPORT}/demo.png)")
    say(summary(tuned, off))
    say("off: K=0 with the draft loaded, by the kill switch")
    for what, delay_s in reaction_s(samples).items():
        if delay_s is not None:
            say(f"speculation {what} {delay_s:.0f} s after the load changed")
    gone = sorted(set(before) - set(after))
    return complaints(samples, watch.requests, after, gone)


def _drive(watch: Watch, endpoint: str, phases: Sequence[Phase]) -> list[PhaseResult]:
    asyncio.run(watch.drive(endpoint, serve.NAME, phases))
    return [summarize(p.name, p.clients, watch.requests, watch.samples) for p in phases]


if __name__ == "__main__":
    sys.exit(main())
