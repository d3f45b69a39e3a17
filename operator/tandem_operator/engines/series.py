"""Names of an engine's own metric series, for whoever reads its page."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Series:
    """Series by what they mean; None where the engine has none.

    `prefixes` are the spellings of the namespace that occur: some exporters rename `vllm:` to
    `vllm_`. Names below are without it. Counters are as on the page, with `_total`; histograms
    are the stem of `_sum`, `_count` and `_bucket`.
    """

    prefixes: tuple[str, ...]
    running: str
    waiting: str
    drafts: str | None = None
    draft_tokens: str | None = None
    accepted_tokens: str | None = None
    accepted_by_position: str | None = None
    generated_tokens: str | None = None
    prefill_tokens: str | None = None
    iteration_tokens: str | None = None
    first_token_seconds: str | None = None
    inter_token_seconds: str | None = None
    output_token_seconds: str | None = None
    end_to_end_seconds: str | None = None
    cache_usage: str | None = None

    def spellings(self, name: str) -> tuple[str, ...]:
        """Every name under which the series `name` may stand on a page."""
        return tuple(prefix + name for prefix in self.prefixes)
