"""`tandem-engine TARGET [options]`: serve a model over HTTP."""

from __future__ import annotations

import sys

from tandem_runtime.engine.server.run import run
from tandem_runtime.engine.settings import SettingsError
from tandem_runtime.engine.transformer.model_config import UnsupportedModelError
from tandem_runtime.plugin.digests import check_or_exit


def main() -> None:
    """Serve until SIGTERM; the process ends with a sentence where the files do not allow it."""
    check_or_exit()
    try:
        run(sys.argv[1:])
    except (UnsupportedModelError, SettingsError, OSError) as error:
        sys.exit(f"tandem: {error}")


if __name__ == "__main__":
    main()
