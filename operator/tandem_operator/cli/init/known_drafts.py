"""Drafts that are published for families of targets, to be inspected and not to be believed.

A target is told by its config: architecture, rows of its vocabulary and size. Whether one fits is
the lock's to say (`tandem verify-pair`): repositories change, and copies of a target differ.
"""

from __future__ import annotations

from dataclasses import dataclass

from tandem_runtime.contract.report import SideReport

BILLION = 1e9


@dataclass(frozen=True)
class KnownDraft:
    """A draft and the targets that it is published for: sizes are billions of parameters."""

    uri: str
    architectures: tuple[str, ...]
    vocabularies: tuple[int, ...]
    above: float
    below: float = 1e6


_LLAMA3 = (("LlamaForCausalLM",), (128_256,))
_QWEN2 = (("Qwen2ForCausalLM",), (151_936, 152_064))
_QWEN3 = (("Qwen3ForCausalLM", "Qwen3MoeForCausalLM"), (151_936,))
_GEMMA3 = (("Gemma3ForCausalLM", "Gemma3ForConditionalGeneration"), (262_144, 262_208))
DRAFTS = (
    KnownDraft("hf://yuhuili/EAGLE3-LLaMA3.3-Instruct-70B", *_LLAMA3, above=60, below=80),
    KnownDraft("hf://yuhuili/EAGLE3-LLaMA3.1-Instruct-8B", *_LLAMA3, above=7.5, below=8.5),
    KnownDraft("hf://meta-llama/Llama-3.2-1B-Instruct", *_LLAMA3, above=7),
    KnownDraft("hf://Qwen/Qwen2.5-0.5B-Instruct", *_QWEN2, above=6),
    KnownDraft("hf://Qwen/Qwen3-0.6B", *_QWEN3, above=6),
    KnownDraft("hf://google/gemma-3-1b-it", *_GEMMA3, above=10),
)


def for_target(target: SideReport) -> list[str]:
    """Drafts that are published for a target of this config; none where it is not known."""
    if target.parameters is None:
        return []
    billions = target.parameters / BILLION
    return [
        draft.uri
        for draft in DRAFTS
        if target.architecture in draft.architectures
        and target.config_vocab_size in draft.vocabularies
        and draft.above <= billions < draft.below
    ]
