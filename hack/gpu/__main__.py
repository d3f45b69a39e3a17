"""`python -m hack.gpu`: what must be known of a GPU before K is left to the tuner there.

With vLLM and two models given by path, in at most 40 minutes: step times without speculation and by
(K, batch); what a start costs with and without tiers; which batch sizes run as FULL graphs; what
K=0 costs beside an engine without a draft; what one constrained request costs the others; whether
texts stay the same while K flips; the tuner against fixed K. Stopped or out of time, the same
command goes on. Without a GPU the same parts run shorter, on CPU with the tiny pair.
"""

from __future__ import annotations

import argparse
import signal
import sys
from dataclasses import replace
from pathlib import Path

from hack.gpu import options as opts
from hack.gpu.options import Options
from hack.gpu.results import page, profile
from hack.gpu.run import Run
from hack.gpu.setup.machine import Machine, MachineError, detect
from hack.pair.__main__ import PAIR_FOLDER
from hack.vllm.environment import EnvironmentMissingError, cache_folder
from tandem_operator.bench.state import StateError

COULD_NOT, INCOMPLETE = 2, 3
METHODS = ("draft_model", "eagle", "eagle3", "mtp")


def main() -> int:
    """Exit status 0: every part is measured; 2: nothing could be; 3: parts are missing."""
    parser = _parser()
    arguments = parser.parse_args()
    # A stop from outside must still end the engine that runs.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        machine = detect(arguments.vllm, arguments.dry)
        options = _options(arguments, machine, parser)
        campaign = Run(machine, options)
        _say(f"machine: {', '.join(f'{key} {value}' for key, value in machine.facts.items())}")
        if not arguments.report:
            campaign.measure(_say)
        results = campaign.results()
        text = page.text_of(machine, options, campaign.planned, results, campaign.failures)
        (options.folder / "page.md").write_text(text, encoding="utf-8")
        written = [options.folder / "page.md", *profile.write(machine, options, results)]
    except (
        MachineError, EnvironmentMissingError, StateError, FileNotFoundError, PermissionError
    ) as problem:  # fmt: skip
        print(f"bench-gpu: {problem}", file=sys.stderr)
        return COULD_NOT
    except KeyboardInterrupt:
        print("bench-gpu: stopped; the same command goes on", file=sys.stderr)
        return INCOMPLETE
    print(text)
    print("written: " + ", ".join(map(str, written)))
    missing = [part.name for part in campaign.planned if part not in results]
    if missing:
        print(
            f"not measured: {', '.join(missing)}; the same command goes on",
            file=sys.stderr,
        )
        return INCOMPLETE
    return 0


def _say(text: str) -> None:
    print(text, flush=True)


def _options(
    arguments: argparse.Namespace, machine: Machine, parser: argparse.ArgumentParser
) -> Options:
    if not machine.dry and (arguments.target is None or arguments.draft is None):
        parser.error("give --target and --draft (TARGET= and DRAFT=): folders of the two models")
    lengths = opts.DRY if machine.dry else opts.GPU
    if arguments.limit_s is not None:
        lengths = replace(lengths, limit_s=arguments.limit_s)
    if arguments.max_requests is not None:
        lengths = replace(lengths, max_requests=arguments.max_requests)
    folder = arguments.out or cache_folder() / ("bench-gpu-dry" if machine.dry else "bench-gpu")
    return Options(
        target=(arguments.target or PAIR_FOLDER / "target").resolve(),
        draft=(arguments.draft or PAIR_FOLDER / "draft").resolve(),
        method=arguments.method,
        prompts=arguments.prompts,
        folder=folder,
        arguments=tuple(arguments.vllm_arguments.split()),
        lengths=lengths,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hack.gpu", description=__doc__)
    parser.add_argument("--target", type=Path, help="folder of the model (GPU: needed)")
    parser.add_argument("--draft", type=Path, help="folder of its draft or head (GPU: needed)")
    parser.add_argument("--method", choices=METHODS, default=METHODS[0])
    parser.add_argument("--out", type=Path, help="folder; default: one in the cache")
    parser.add_argument("--vllm", type=Path, help="the vllm program; default: the one on PATH")
    parser.add_argument(
        "--vllm-arguments", default="", metavar="WORDS", help="more options of every `vllm serve`"
    )
    parser.add_argument("--prompts", type=Path, default=PAIR_FOLDER / "prompts")
    parser.add_argument("--max-requests", type=_above_zero, help="that the engine runs at once")
    parser.add_argument("--limit-s", type=float, help="seconds at most; default 2400, dry 300")
    parser.add_argument("--dry", action="store_true", help="on CPU, whatever there is")
    parser.add_argument("--report", action="store_true", help="only write what is measured by now")
    return parser


def _above_zero(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: give a number above 0")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
