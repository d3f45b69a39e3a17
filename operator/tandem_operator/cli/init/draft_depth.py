"""The deepest K to start an engine with, by method: the tuner goes below it and never above."""

from __future__ import annotations

from tandem_operator.api.spec import Method
from tandem_runtime.contract.report import PairReport

DEEPEST: dict[Method, tuple[int, str]] = {
    Method.DRAFT_MODEL: (7, "a draft model pays a pass for each token"),
    Method.EAGLE: (5, "a head loses sight of the target with each token"),
    Method.EAGLE3: (5, "a head loses sight of the target with each token"),
    Method.DFLASH: (7, "a block is drafted in one pass; most of it is rejected beyond this"),
    Method.DSPARK: (7, "a block is drafted in one pass; most of it is rejected beyond this"),
    Method.MTP: (1, "one trained module, one token; more run it again and guess worse"),
    Method.MEDUSA: (3, "a head a token"),
    Method.N_GRAM: (7, "copies cost nothing to draft"),
    Method.SUFFIX: (7, "copies cost nothing to draft"),
    Method.LAYER_SKIP: (5, "each token runs the first layers of the target"),
}


def deepest(method: Method, report: PairReport) -> tuple[int, str]:
    """`speculation.maxTokens` for a manifest, and why."""
    side = report.draft or report.target
    tokens, why = DEEPEST[method]
    counted = {
        Method.MTP: side.facts.mtp_layers_in_files or side.facts.mtp_layers,
        Method.MEDUSA: side.facts.medusa_heads,
    }.get(method)
    if counted:
        part = "trained modules" if method is Method.MTP else "heads"
        return min(counted, 32), f"{counted} {part} are in the files"
    return tokens, why
