"""Limits of one engine."""

from __future__ import annotations

from dataclasses import dataclass

from tandem_runtime.engine.kv_cache import blocks_for


class SettingsError(ValueError):
    """Limits that do not go together; the message names the option and what it must be."""


@dataclass(frozen=True)
class Settings:
    """`blocks` hold keys and values of all requests; a request has at most `max_model_tokens`
    tokens, prompt and output together; a pass of the target has at most `max_batch_tokens`.

    `max_tokens` is the deepest K, 0 without a drafter.
    """

    blocks: int
    max_model_tokens: int
    max_requests: int
    max_batch_tokens: int
    max_tokens: int

    def __post_init__(self) -> None:
        """Refuse limits under which a request could wait forever. Raises SettingsError."""
        needed = blocks_for(self.max_model_tokens)
        if self.blocks < needed:
            raise SettingsError(
                f"--kv-cache-mib holds {self.blocks} blocks, one request of --max-model-len "
                f"{self.max_model_tokens} needs {needed}: raise the first or lower the second"
            )
        least = self.max_requests * (1 + self.max_tokens) + 1
        if self.max_batch_tokens < least:
            raise SettingsError(
                f"--max-num-batched-tokens is {self.max_batch_tokens}; --max-num-seqs "
                f"{self.max_requests} at K = {self.max_tokens} needs at least {least}"
            )
