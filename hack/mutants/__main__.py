"""`make mutants`: plants small defects in the pure rooms and sees whether tests notice them.

A survivor needs a test, or a line in survivors.toml that says why no test can tell it. Verdicts
are kept for a state of the code: a run that was ended goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from hack.mutants import results
from hack.mutants.rooms import ROOMS, Room
from hack.mutants.run import run_all
from hack.mutants.selection import Mutant, choose
from hack.mutants.tests import CACHE, TestsFailedError, seen, state_of

SEED = "tandem"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m hack.mutants", description=__doc__)
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help=f"of {', '.join(ROOMS)}")
    parser.add_argument("--seed", default=SEED, help="another choice; survivors.toml is for this")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--survivors", action="store_true", help="try only those again that survived last"
    )
    asked = parser.parse_args()
    if unknown := [name for name in asked.rooms if name not in ROOMS]:
        parser.error(f"no such room: {', '.join(unknown)}; there are {', '.join(ROOMS)}")
    verdicts: dict[str, bool] = {}
    files: list[str] = []
    for name in asked.rooms or ROOMS:
        try:
            outcomes = _tried(name, ROOMS[name], asked.seed, asked.at_once, asked.survivors)
        except TestsFailedError as error:
            print(error, file=sys.stderr)
            return 1
        print(f"{name}: {sum(outcomes.values())} of {len(outcomes)} killed", flush=True)
        verdicts.update(outcomes)
        files += map(str, ROOMS[name].files())
    problems = results.problems(verdicts, results.listed(results.LISTED.read_text()), files)
    print(f"{sum(verdicts.values())} of {len(verdicts)} killed", *problems, sep="\n")
    return 1 if problems else 0


def _tried(name: str, room: Room, seed: str, at_once: int, survivors: bool) -> dict[str, bool]:
    chosen = choose(room, seed)
    kept = CACHE / f"{name}.verdicts.json"
    previous = json.loads(kept.read_text()) if kept.exists() else {}
    now, began_s = f"{state_of(room)} {seed}", time.monotonic()
    known: dict[str, bool] = {
        each: killed
        for each, killed in previous.get("verdicts", {}).items()
        if previous["state"] == now or (survivors and killed)
    }
    verdicts = {mutant.name: known[mutant.name] for mutant in chosen if mutant.name in known}

    def done(mutant: Mutant, killed: bool) -> None:
        verdicts[mutant.name] = killed
        _write(kept, {"state": now, "verdicts": verdicts})
        if not killed:
            print(f"  survived: {mutant.name}", flush=True)

    due = [mutant for mutant in chosen if mutant.name not in known]
    if due:
        run_all(due, seen(name, room), at_once, done)
        print(f"{name}: {len(due)} tried in {time.monotonic() - began_s:.0f} s", flush=True)
    return verdicts


def _write(file: Path, content: object) -> None:
    new = file.with_suffix(".new")
    new.write_text(json.dumps(content))
    new.replace(file)


if __name__ == "__main__":
    sys.exit(main())
