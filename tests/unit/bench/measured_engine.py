"""An engine to measure, and the command that measures it."""

from __future__ import annotations

from pathlib import Path

from tandem_runtime.contract.table import Range, SpeculationTable

TRUTH = {
    "base_s": 0.012,
    "token_s": 2e-4,
    "draft_start_s": 1e-3,
    "draft_pass_s": 1.5e-3,
}
SURVIVAL = (0.8, 0.6, 0.45, 0.3, 0.2)
THEIRS = SpeculationTable(
    lock="fake", epoch="theirs", generation=41, schedule=(Range(1, 8, 3), Range(9, 256, 1))
)


def done(tmp_path: Path) -> list[str]:
    return (tmp_path / "profile.json.state.jsonl").read_text().splitlines()[1:]
