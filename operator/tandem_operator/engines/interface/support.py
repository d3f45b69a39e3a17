"""What an engine's driver says of itself on docs/support.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tandem_operator.api.spec import EngineServer, Method


@dataclass(frozen=True)
class Support:
    """Versions and methods of one engine in one server, each with what was run of it.

    The words are those of the page: "run" names the tests that do it, "rendered" says that
    manifests and arguments were made and checked and nothing was started, "read" that it was found
    in the engine's sources.
    """

    versions: Mapping[str, str]
    """What was run, by version or range of versions, in the order of the page."""
    methods: Mapping[Method, str]
    """What was run, by method; a method that is not here is refused."""
    server: EngineServer = EngineServer.NATIVE
