"""The command of engines without a plugin: the locked files are checked, then the engine starts."""

from tandem_runtime.contract import paths

START = f"""\
export PYTHONPATH="{paths.PLUGIN}${{PYTHONPATH:+:$PYTHONPATH}}"
exec python3 -m tandem_runtime.start "$@"
"""
"""Adds the copied packages to what the image itself puts on its path."""


def command() -> list[str]:
    """The container's command; its arguments are those of `tandem_runtime.start`."""
    return ["/bin/sh", "-c", START, "tandem-start"]
