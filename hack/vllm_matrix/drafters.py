"""How each method drafts, as vLLM's drafters are written."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from hack.vllm_matrix import syntax
from tandem_runtime.contract.engines.vllm_capabilities import (
    ALL_FORWARDS,
    CONTEXT,
    CUT,
    EVERYTHING,
    LOOKUP,
    NATIVE,
    NOTHING,
    ONE_FORWARD,
    V1,
    V2,
    VERIFICATION,
)

MODULES = "mtp with several modules"
"""Stands for the method `mtp` where the model has more than one module."""
_V1 = "v1/spec_decode/"
_V2 = "v1/worker/gpu/spec_decode/"
PROPOSERS = {
    "draft_model": ("draft_model.py", "DraftModelProposer"),
    "eagle": ("eagle.py", "EagleProposer"),
    "eagle3": ("eagle.py", "EagleProposer"),
    "mtp": ("eagle.py", "EagleProposer"),
    "ngram": ("ngram_proposer.py", "NgramProposer"),
    "ngram_gpu": ("ngram_proposer_gpu.py", "NgramProposerGPU"),
    "suffix": ("suffix_decoding.py", "SuffixDecodingProposer"),
    "medusa": ("medusa.py", "MedusaProposer"),
}
SPECULATORS = {
    "draft_model": ("standalone_ar", "StandaloneARSpeculator"),
    "eagle": ("eagle", "EagleSpeculator"),
    "eagle3": ("eagle", "EagleSpeculator"),
    "mtp": ("mtp", "MTPSpeculator"),
    MODULES: ("multi_module_mtp", "MultiModuleMTPSpeculator"),
    "ngram": ("ngram", "NgramGPUSpeculator"),
    "ngram_gpu": ("ngram", "NgramGPUSpeculator"),
    "dflash": ("dflash", "DFlashSpeculator"),
    "dspark": ("dspark", "DSparkSpeculator"),
}
ASKED = "num_speculative_tokens"
Drafts = tuple[str, bool, str, str]
"""Live, by_step, saves and idle of `vllm_capabilities.Capabilities`."""


def read(root: Path) -> dict[tuple[str, str], Drafts]:
    """By runner and method. Raises MissingError where a drafter is not where it was."""
    passed = _runner_passes_k(root)
    cuts = _runner_cuts(root)
    drafters = {}
    for method, (file, name) in PROPOSERS.items():
        if not (root / _V1 / file).exists():
            continue
        drafters[V1, method] = _v1(list(syntax.lineage(root, _V1 + file, name)), passed)
    for method, (folder, name) in SPECULATORS.items():
        _selected(root, name)
        file = f"{_V2}{folder}/speculator.py"
        drafters[V2, method] = _v2(list(syntax.lineage(root, file, name)), cuts)
    return drafters


def _v1(classes: list[ast.ClassDef], passed: bool) -> Drafts:
    propose = syntax.method(classes, "propose")
    loads = _loads_a_model(classes)
    if re.search(rf"assert {ASKED} == self\.", syntax.text(propose)):
        return (CUT, False, VERIFICATION, ONE_FORWARD if loads else LOOKUP)
    if not (passed and _uses_k(propose)):
        return (CUT, False, VERIFICATION, ALL_FORWARDS if loads else LOOKUP)
    return (NATIVE, True, EVERYTHING, ONE_FORWARD if loads else NOTHING)


def _v2(classes: list[ast.ClassDef], cuts: bool) -> Drafts:
    propose = syntax.method(classes, "propose")
    if not _loads_a_model(classes):
        return (NATIVE, cuts, VERIFICATION, LOOKUP)
    if _uses_k(propose):
        return (NATIVE, cuts, EVERYTHING, ONE_FORWARD)
    if f"if {ASKED} == 0:" in syntax.text(propose):
        return (NATIVE, cuts, VERIFICATION, CONTEXT)
    if any(_loops_to_the_deepest(each) for each in classes):
        return (CUT, cuts, VERIFICATION, ALL_FORWARDS)
    return (NATIVE, cuts, VERIFICATION, ONE_FORWARD)


def _uses_k(propose: ast.FunctionDef) -> bool:
    """Whether K does more to the drafts than 0 does."""
    uses = [
        node
        for statement in propose.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and node.id == ASKED and isinstance(node.ctx, ast.Load)
    ]
    return len(uses) > syntax.text(propose).count(f"if {ASKED} == 0:")


def _loads_a_model(classes: list[ast.ClassDef]) -> bool:
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and re.fullmatch(r"get_model|load_\w*model", node.func.id) is not None
        for each in classes
        for node in ast.walk(each)
    )


def _loops_to_the_deepest(one: ast.ClassDef) -> bool:
    loops = [syntax.text(node.iter) for node in ast.walk(one) if isinstance(node, ast.For)]
    return any(re.fullmatch(r"range\((1, )?self\.num_speculative_steps\)", each) for each in loops)


def _runner_passes_k(root: Path) -> bool:
    """Whether V1's runner hands the step's K to its drafters."""
    runner = syntax.module(root / "v1/worker/gpu_model_runner.py")
    body = syntax.text(syntax.named(runner, "propose_draft_token_ids"))
    return "scheduler_output.num_spec_tokens_to_schedule" in body


def _runner_cuts(root: Path) -> bool:
    """Whether V2's runner throws away what a drafter made above the step's K."""
    runner = syntax.text(syntax.module(root / "v1/worker/gpu/model_runner.py"))
    return "draft_tokens[:, num_spec_tokens:] = -1" in runner


def _selected(root: Path, name: str) -> None:
    """Raises MissingError where V2 never makes this drafter."""
    made = syntax.text(syntax.module(root / _V2 / "__init__.py"))
    if f"return {name}(" not in made:
        raise syntax.MissingError(f"init_speculator no longer makes a {name}")
