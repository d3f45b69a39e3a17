"""Whatever happens on the way, the world ends as a fresh apply of the last spec would leave it.

Each is of three tenants. TANDEM_HISTORIES says how many are tried (12 by `make unit`): 200 are 600
tenants' histories.
"""

from __future__ import annotations

import json
import os

import pytest

from tests.unit.histories import virtual_time
from tests.unit.histories.history import History, fresh, settle

HISTORIES = int(os.environ.get("TANDEM_HISTORIES", "6"))


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_any_history_ends_as_a_fresh_apply_does(seed: int) -> None:
    history = History(seed)
    virtual_time.run(history.run())

    steps = "\n".join(history.steps)
    assert history.cluster.seen.early == [], f"Current too early:\n{steps}"
    assert history.cluster.seen.lost == [], f"pods of a serving pair were lost:\n{steps}"
    for room in history.rooms:
        ended = history.world(room)
        if room.wanted is None:
            assert ended == {}, steps
            continue
        alone = fresh(room.wanted)
        virtual_time.run(settle(alone))
        wanted = alone.world(alone.rooms[0])
        assert json.dumps(ended, indent=1) == json.dumps(wanted, indent=1), f"{room}\n{steps}"
