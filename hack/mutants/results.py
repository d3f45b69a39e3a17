"""What the verdicts mean: the share that tests notice, and survivors that nobody has explained."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

LISTED = Path(__file__).with_name("survivors.toml")
LEAST_PERCENT = 90


def listed(text: str) -> dict[str, str]:
    """Reasons by the name of the mutant.

    Raises:
        ValueError: an entry without a mutant or a reason, or a mutant twice.
    """
    reasons: dict[str, str] = {}
    for entry in tomllib.loads(text).get("survivor", []):
        name, reason = entry.get("mutant"), str(entry.get("reason", "")).strip()
        if not name or not reason:
            raise ValueError(f"{LISTED.name}: an entry needs a mutant and a reason: {entry}")
        if name in reasons:
            raise ValueError(f"{LISTED.name}: twice: {name}")
        reasons[name] = reason
    return reasons


def problems(
    verdicts: Mapping[str, bool], reasons: Mapping[str, str], files: Iterable[str]
) -> list[str]:
    """What makes the run fail. `verdicts`: whether each mutant tried was killed; `files`: those
    whose mutants were tried, since a run of one room says nothing of the others."""
    survived = [name for name, killed in verdicts.items() if not killed]
    complaints = [f"survived: {name}" for name in survived if name not in reasons]
    tried = tuple(f"{file}: " for file in files)
    for name in reasons:
        if name.startswith(tried) and verdicts.get(name, True):
            why = "a test notices it now" if name in verdicts else "it is not tried any more"
            complaints.append(f"take it from {LISTED.name}, {why}: {name}")
    killed = len(verdicts) - len(survived)
    if 100 * killed < LEAST_PERCENT * len(verdicts):
        complaints.append(f"only {killed} of {len(verdicts)} killed, {LEAST_PERCENT} % are asked")
    return complaints
