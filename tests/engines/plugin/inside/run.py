"""Runs pytest in the engine's own Python: `ENGINE/bin/python run.py SITE_PACKAGES ARGUMENTS...`.

The engine's environment is locked and has no pytest. The project's site-packages come last on the
path, so that pytest and hypothesis are found there and everything else stays the engine's own.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]

if __name__ == "__main__":
    os.environ.setdefault("VLLM_TARGET_DEVICE", "cpu")
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    sys.path[:0] = [str(ROOT), str(ROOT / "runtime")]
    sys.path.append(sys.argv[1])
    import pytest

    sys.exit(pytest.main(["-p", "no:cacheprovider", "-p", "no:xdist", *sys.argv[2:]]))
