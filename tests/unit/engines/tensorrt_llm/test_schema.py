"""The configuration of the LLM API, against the fields that TensorRT-LLM publishes.

Its own classes cannot be had here: the package registry has a stub in the place of its wheel.
Fields, types and bounds are written down in `tensorrt_llm_fields.json`, which says from where; like
the classes themselves they refuse any other key.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tandem_operator.api.spec import Method, Spec
from tandem_operator.engines import tensorrt_llm
from tandem_operator.engines.tensorrt_llm.config_keys import KEYS, OWNED
from tandem_operator.engines.tensorrt_llm.methods import METHODS
from tandem_operator.engines.tensorrt_llm.options import IN_TRITON
from tandem_runtime.contract.table import Range, SpeculationTable
from tandem_runtime.tensorrt_llm.configuration import with_depths, yaml_of
from tests.unit.engines import builders

FIELDS = json.loads((Path(__file__).parent / "fields.json").read_text())
EXAMPLES = Path(__file__).parents[4] / "examples" / "tensorrt-llm"
TABLE = SpeculationTable("abc", 1, (Range(1, 4, 4), Range(5, 8, 2), Range(9, 256, 0)))


def schema_of(decoding_type: str) -> dict[str, Any]:
    """`TorchLlmArgs` with one class of its speculative configuration."""
    own = {**FIELDS["DecodingBaseConfig"], **FIELDS["decoding_type"][decoding_type]}
    needed = ["decoding_type", "max_draft_len"]
    if decoding_type in FIELDS["needs_speculative_model"]:
        needed.append("speculative_model")
    speculative = {
        "type": "object",
        "additionalProperties": False,
        "properties": {**own, "decoding_type": {"const": decoding_type}},
        "required": needed,
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {**FIELDS["TorchLlmArgs"], "speculative_config": speculative},
    }


def loaded(spec: Spec, table: SpeculationTable | None) -> dict[str, Any]:
    """What TensorRT-LLM reads, by way of its YAML; keys of a schedule as JSON has them."""
    made = builders.launch()
    parts = tensorrt_llm.DRIVER.render(type(made)(**{**vars(made), "spec": spec}))
    base = json.loads(parts.config[0].files["llm.json"])
    read = yaml.safe_load(
        yaml_of(with_depths(base, table, 3, zero="--zero" in parts.leader.container["args"]))
    )
    schedule = read["speculative_config"].get("draft_len_schedule")
    if schedule is not None:
        assert all(isinstance(batch, int) and batch >= 1 for batch in schedule)
        assert schedule[min(schedule)] == read["speculative_config"]["max_draft_len"]
        read["speculative_config"]["draft_len_schedule"] = {str(k): v for k, v in schedule.items()}
    return dict(read)


@pytest.mark.parametrize("table", [None, TABLE], ids=["no table", "a table"])
@pytest.mark.parametrize("server", ["Native", "Triton"])
@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.yaml")))
def test_every_example_is_a_configuration_that_it_publishes(
    name: str, server: str, table: SpeculationTable | None
) -> None:
    manifest = yaml.safe_load((EXAMPLES / name).read_text())
    manifest["spec"]["engine"]["server"] = server
    spec = Spec.model_validate(manifest["spec"])

    jsonschema.validate(loaded(spec, table), schema_of(METHODS[spec.speculation.method]))


@pytest.mark.parametrize("method", METHODS)
def test_every_key_that_a_user_may_set_is_one_that_it_publishes(method: Method) -> None:
    published = {**FIELDS["DecodingBaseConfig"], **FIELDS["decoding_type"][METHODS[method]]}

    assert set(KEYS[method]) <= set(published)
    assert not set(KEYS[method]) & set(OWNED)


def test_every_option_that_triton_takes_is_a_key_that_it_publishes() -> None:
    for path, kind in IN_TRITON.values():
        schema: Any = {"properties": FIELDS["TorchLlmArgs"]}
        for key in path:
            schema = schema["properties"][key]
        named = {int: "integer", float: "number", bool: "boolean"}.get(kind)
        assert schema.get("type") == named or "enum" in schema


def test_a_key_that_it_does_not_publish_would_be_noticed() -> None:
    with pytest.raises(jsonschema.ValidationError, match="draft_length"):
        jsonschema.validate(
            {
                "speculative_config": {
                    "decoding_type": "NGram",
                    "max_draft_len": 1,
                    "draft_length": 1,
                }
            },
            schema_of("NGram"),
        )
