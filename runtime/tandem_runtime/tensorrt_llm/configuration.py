"""The keys of the LLM API as an engine loads them: the operator's, with the depths of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tandem_runtime.contract.engines import tensorrt_llm as contract
from tandem_runtime.contract.table import SpeculationTable
from tandem_runtime.tensorrt_llm import depths


def with_depths(
    base: Mapping[str, Any], table: SpeculationTable | None, initial: int, *, zero: bool
) -> dict[str, Any]:
    """`base` with the K of `table`; as it is where it drafts nothing. See `depths.of`."""
    speculative = base.get(contract.SPECULATIVE)
    if speculative is None:
        return dict(base)
    deepest = int(speculative[contract.MAX_DRAFT_LEN])
    depth_table = depths.of(table, deepest, initial, zero=zero)
    chosen = {**speculative, contract.MAX_DRAFT_LEN: depth_table.max_draft_len}
    if depth_table.schedule is not None:
        chosen[contract.SCHEDULE] = dict(depth_table.schedule)
    return {**base, contract.SPECULATIVE: chosen}


def yaml_of(value: Mapping[str, Any]) -> str:
    """The keys as YAML. The image has PyYAML: TensorRT-LLM reads its own configuration with it."""
    import yaml

    return str(yaml.safe_dump(dict(value), sort_keys=True))
