"""The table and the operator's constants against what the sources say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hack.vllm_matrix.drafters import MODULES
from hack.vllm_matrix.facts import Facts
from tandem_operator.engines import tiers
from tandem_operator.engines.vllm import depths
from tandem_runtime.contract.engines import vllm_capabilities as table
from tandem_runtime.contract.engines.vllm_capabilities import Setup, capabilities

NOT_DRIVEN = frozenset({"custom_class", "extract_hidden_states", "mlp_speculator"})
"""Methods of vLLM that the operator has no word for."""
DEEPEST_ONLY = frozenset(
    {
        "BaseMambaAttentionMetadataBuilder",
        "Mamba1AttentionMetadataBuilder",
        "Mamba2AttentionMetadataBuilder",
        "PleShortConvAttentionMetadataBuilder",
        "ShortConvAttentionMetadataBuilder",
    }
)
"""The builders that `vllm_capabilities.MAMBA` stands for."""


def differences(
    facts: Facts, version: tuple[int, int], drafters: Mapping[tuple[str, str], object]
) -> Iterator[str]:
    """One sentence for each truth that the sources of `version` contradict.

    `drafters` are those that the table has for it, or others to be judged in their place.
    """
    for name, ours, theirs in _facts(facts, version):
        if ours != theirs:
            yield f"{name}: the table says {_shown(ours)}, vLLM {_shown(theirs)}"
    yield from _rows(facts, version, drafters)


def _facts(facts: Facts, version: tuple[int, int]) -> Iterator[tuple[str, object, object]]:
    driven = {method for _, method in table.drafters_of(version)}
    known = driven | NOT_DRIVEN | facts.mtp_types
    yield "methods that nobody has looked at", frozenset(), facts.methods - known
    yield "methods that are gone", frozenset(), driven - facts.methods
    yield "methods that V2 lacks", table.V1_ONLY & driven, facts.not_in_v2 & driven
    yield "methods that V1 lacks", table.V2_ONLY & driven, facts.not_in_v1 & driven
    yield "methods that draft in parallel in V2", table.DRAFT_IN_PARALLEL, facts.parallel_in_v2
    yield "V2 wherever it can", version >= table.V2_FROM, facts.v2_by_default
    stages = capabilities(Setup(version, table.V1, "eagle", pipeline=2))
    synchronous = not stages.asynchronous
    yield "a pipeline is synchronous in V1", synchronous, facts.pipeline_is_synchronous_in_v1
    yield "layers that take the deepest K only", DEEPEST_ONLY, facts.deepest_only
    ranks = Setup(version, table.V2, "eagle", data=2)
    dropped = not capabilities(ranks).start_schedule
    yield "data parallel engines drop a schedule", dropped, facts.data_parallel_drops_schedule
    one, two = (capabilities(Setup(version, runner, "eagle")) for runner in (table.V1, table.V2))
    lost = not one.full_graphs
    yield "a schedule costs V1 its full graphs", lost, facts.schedule_costs_v1_its_full_graphs
    yield "every depth has graphs in V2", two.full_graphs, facts.every_depth_has_graphs_in_v2
    least = {depths.LEAST_BATCH, depths.LEAST_BATCH_CPU, tiers.LARGEST_BATCH}
    yield "defaults of max-num-seqs", frozenset(least), facts.batches
    yield "tokens of the largest graph", depths.CAPTURED_TOKENS, min(facts.captured_tokens)


def _rows(
    facts: Facts, version: tuple[int, int], drafters: Mapping[tuple[str, str], object]
) -> Iterator[str]:
    theirs = {
        (runner, method): (*drafts, _ahead(facts, runner, method))
        for (runner, method), drafts in facts.drafters.items()
    }
    for row, actual in theirs.items():
        ours = _row(row, version, drafters)
        if ours != actual:
            yield f"{' '.join(row)}: the table says {_shown(ours)}, vLLM {_shown(actual)}"
    for row in drafters:
        if row not in theirs:
            yield f"{' '.join(row)}: the table has it, vLLM does not"


def _ahead(facts: Facts, runner: str, method: str) -> bool:
    always = runner == table.V2 and facts.v2_is_always_asynchronous
    return always or method.split()[0] in facts.asynchronous


def _row(
    row: tuple[str, str], version: tuple[int, int], drafters: Mapping[tuple[str, str], object]
) -> object:
    runner, method = row
    if method == MODULES:
        can = capabilities(Setup(version, runner, "mtp", modules=2))
        return (can.live, can.by_step, can.saves, can.idle, can.asynchronous)
    ours = drafters.get(row)
    return None if ours is None else tuple(ours)[:5]  # type: ignore[arg-type]


def _shown(value: object) -> str:
    if isinstance(value, frozenset | set):
        return ", ".join(sorted(map(str, value))) or "none"
    if isinstance(value, tuple):
        return " / ".join(map(str, value))
    return str(value)
