"""What all verbs share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tandem_operator.cli.main import READER_LEFT

PAIR = Path(__file__).parents[3] / "examples" / "tiny-pair"


def test_a_reader_that_leaves_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    words = ["verify-pair", str(PAIR / "target"), str(PAIR / "draft"), "--output", "json"]
    done = subprocess.run(
        [sys.executable, "-m", "tandem_operator.cli.main", *words],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (READER_LEFT, "")


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
