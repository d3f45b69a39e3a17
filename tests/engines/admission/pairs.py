"""A pair on disk as the lock reports it, and the words that the driver renders for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface.launch import Launch
from tandem_operator.engines.vllm import DRIVER
from tandem_runtime.contract import paths
from tandem_runtime.contract.report import PairReport, SideReport
from tandem_runtime.lock.files import folder
from tandem_runtime.lock.verdict import inspect as inspect_side
from tandem_runtime.lock.verdict import side_report
from tests.engines.admission import cases
from tests.unit.engines.builders import INSTALLATION


def side(place: Path, config: dict[str, Any]) -> SideReport:
    inspected = inspect_side.at(folder.at(cases.write(place, config)))
    assert inspected.refused is None, inspected.refused
    return side_report.report(inspected, str(place), None, False)


def rendered(spec: Spec, report: PairReport, target: Path, draft: Path) -> list[str]:
    """The words that the container is started with, for models that stand elsewhere."""
    made = DRIVER.render(Launch("chat", spec, "0123456789abcdef", "{}", INSTALLATION, report))
    text = json.dumps(made.leader.container["args"])
    text = text.replace(paths.TARGET, str(target)).replace(paths.DRAFT, str(draft))
    words: list[str] = json.loads(text)
    return words
