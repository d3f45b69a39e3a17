"""What all verbs share."""

from __future__ import annotations

import subprocess
import sys


def test_an_unknown_verb_is_wrong_usage() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tandem_operator.cli.main", "verify-pear"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "verify-pair" in done.stderr
