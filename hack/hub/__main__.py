"""`python -m hack.hub ORG/NAME=FOLDER ...`: serve local folders as a Hugging Face hub.

For tests and trials where no hub can be reached. Prints its endpoint (for HF_ENDPOINT) and serves
until it is interrupted.
"""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from hack.hub.server import LocalHub


def main() -> int:
    """Serve until interrupted; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m hack.hub", description=__doc__)
    parser.add_argument("models", nargs="+", metavar="ORG/NAME=FOLDER")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    arguments = parser.parse_args()
    with LocalHub(arguments.host, arguments.port) as hub:
        for model in arguments.models:
            name, separator, folder = model.partition("=")
            if not separator or not Path(folder).is_dir():
                parser.error(f"{model!r} is not ORG/NAME=FOLDER with an existing folder")
            print(f"{name} at {hub.commit(name, Path(folder))}", file=sys.stderr)
        print(hub.endpoint, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
