"""How a source is asked, so that a refusal tells its reader what that reader can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tandem_runtime.contract import environment


@dataclass(frozen=True)
class Access:
    """With a secret or as a stranger, for a resource's pod or at a command line."""

    with_secret: bool
    in_a_pod: bool

    @classmethod
    def of(cls, with_secret: bool, environ: Mapping[str, str]) -> Access:
        """The access in an environment: a pod's has the request or the lock in it."""
        asked = (environment.LOCK_REQUEST, environment.LOCK)
        return cls(with_secret, any(environ.get(name) for name in asked))

    def place_of(self, names: str) -> str:
        """Where variables of these names stand."""
        return f"{names} in the secret" if self.in_a_pod else names

    def give(self, names: str) -> str:
        """How variables of these names are given."""
        if self.in_a_pod:
            return f"name a secret with {names} in secretName"
        return f"set {names} in the environment"
