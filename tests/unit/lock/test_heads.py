"""Heads in the spellings in which they are published, against the dimensions of their target."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_runtime.contract import report
from tandem_runtime.contract.report import PairReport
from tandem_runtime.contract.request import Attestation, LockRequest, SourceRequest
from tandem_runtime.lock import pair
from tandem_runtime.lock.draft import trimmed_vocabulary
from tandem_runtime.lock.draft.trimmed_vocabulary import Trimmed
from tests.unit.lock import builders

TARGET = "acme/chat"


class Bench:
    """Judges heads against the builders' target: hidden size 8, 16 rows, 2 layers."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._target = builders.write(place / "target", builders.files())

    def evaluate(
        self,
        config: dict[str, Any],
        method: str = "Eagle3",
        attested: str | None = None,
        **files: bytes,
    ) -> PairReport:
        contents = {name.replace("__", "."): content for name, content in files.items()}
        contents["config.json"] = json.dumps(config).encode()
        head = builders.write(self._place / "head", contents)
        asked = LockRequest(
            method,
            "TargetDeclared",
            SourceRequest(str(self._target), name=TARGET),
            SourceRequest(str(head)),
            attested_target=None if attested is None else Attestation(attested),
        )
        return pair.report(asked, {})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def eagle_3(**changes: Any) -> dict[str, Any]:
    """As published beside the papers' code: a Llama of one layer with a smaller vocabulary."""
    return {
        "architectures": ["LlamaForCausalLMEagle3"],
        "hidden_size": 8,
        "vocab_size": 16,
        "draft_vocab_size": 4,
        "base_model_name_or_path": TARGET,
    } | changes


SPELLINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "EAGLE": (
        "Eagle",
        {"architectures": ["EagleLlamaForCausalLM"], "target_model_name_or_path": TARGET},
    ),
    "EAGLE-3": ("Eagle3", eagle_3()),
    "speculators": (
        "Eagle3",
        {
            "architectures": ["Eagle3Speculator"],
            "speculators_model_type": "eagle3",
            "transformer_layer_config": {"hidden_size": 8, "vocab_size": 16},
            "speculators_config": {"verifier": {"name_or_path": TARGET}},
        },
    ),
    "Medusa": (
        "Medusa",
        {"medusa_num_heads": 4, "medusa_num_layers": 1, "base_model_name_or_path": TARGET},
    ),
    "Medusa as vLLM writes it": (
        "Medusa",
        {
            "architectures": ["MedusaModel"],
            "model_type": "medusa",
            "hidden_size": 8,
            "num_heads": 4,
            "truncated_vocab_size": 12,
            "base_model": TARGET,
        },
    ),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_head_that_declares_its_target(bench: Bench, name: str) -> None:
    method, config = SPELLINGS[name]
    judged = bench.evaluate(config, method)
    assert (judged.verdict, judged.reason, judged.allowed) == ("Compatible", "DeclaredTarget", True)
    assert not judged.attested


@pytest.mark.parametrize("name", SPELLINGS)
def test_the_same_head_for_another_target(bench: Bench, name: str) -> None:
    method, declared = SPELLINGS[name]
    judged = bench.evaluate(json.loads(json.dumps(declared).replace(TARGET, "acme/other")), method)
    assert (judged.verdict, judged.reason) == ("Incompatible", "DeclaredTargetDiffers")
    assert "acme/other" in judged.message


MISFITS = {
    "hidden size": (eagle_3(hidden_size=9), "hidden size 9"),
    "nested hidden size": (
        {"architectures": ["Eagle3Llama4"], "text_config": {"hidden_size": 9}},
        "hidden size 9",
    ),
    "hidden size of a speculator": (
        {"speculators_config": {}, "transformer_layer_config": {"hidden_size": 9}},
        "hidden size 9",
    ),
    "the target's hidden size is stated apart": (
        eagle_3(hidden_size=8, target_hidden_size=9),
        "hidden size 9",
    ),
    "vocabulary": (eagle_3(vocab_size=17), "target vocabulary of 17"),
    "more rows than the target": (eagle_3(draft_vocab_size=17), "draft_vocab_size 17"),
    "rows that are no count": (eagle_3(draft_vocab_size="4"), "draft_vocab_size"),
    "Medusa's rows": (
        {"truncated_vocab_size": 17},
        "truncated_vocab_size 17",
    ),
    "auxiliary layers": (eagle_3(eagle_aux_hidden_state_layer_ids=[0, 1, 3]), "layer 3"),
    "nested auxiliary layers": (
        eagle_3(eagle_config={"eagle_aux_hidden_state_layer_ids": [-1]}),
        "layer -1",
    ),
    "the layer behind DFlash's last": (
        eagle_3(dflash_config={"target_layer_ids": [0, 2]}),
        "layer 2, the target has 2",
    ),
    "a mask token behind the vocabulary": (
        eagle_3(dflash_config={"target_layer_ids": [0, 1], "mask_token_id": 80}),
        "mask_token_id is 80, and its vocabulary has 16 rows",
    ),
    "a mask token before it": (eagle_3(pard_token=-1), "pard_token is -1"),
    "layers of DFlash": (eagle_3(dflash_config={"target_layer_ids": [9]}), "layer 9"),
    "layers that are none": (eagle_3(aux_hidden_state_layer_ids="all"), "no list of layers"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_dimensions_count_whatever_is_declared_or_attested(bench: Bench, name: str) -> None:
    config, expected = MISFITS[name]
    judged = bench.evaluate(config, attested=TARGET)
    assert (judged.verdict, judged.reason, judged.allowed) == (
        "Incompatible",
        "DeclaredTargetDiffers",
        False,
    )
    assert expected in judged.message


def tables(d2t: list[int], marked: set[int], rows: int = 16) -> bytes:
    return builders.safetensors(
        fc=("F16", [2, 2], bytes(8)),
        d2t=("I64", [len(d2t)], struct.pack(f"<{len(d2t)}q", *d2t)),
        t2d=("BOOL", [rows], bytes(index in marked for index in range(rows))),
    )


def test_a_trimmed_vocabulary_with_its_tables_is_no_mismatch(bench: Bench) -> None:
    weights = tables([0, 1, 3, 12], {0, 2, 5, 15})
    assert bench.evaluate(eagle_3(), model__safetensors=weights).allowed


def test_a_trimmed_vocabulary_without_a_table_means_other_tokens(bench: Bench) -> None:
    weights = builders.safetensors(fc=("F16", [2, 2], bytes(8)))
    judged = bench.evaluate(eagle_3(), model__safetensors=weights)
    assert (judged.verdict, judged.allowed) == ("Incompatible", False)
    assert "no table d2t" in judged.message


def test_a_whole_vocabulary_needs_no_table(bench: Bench) -> None:
    weights = builders.safetensors(fc=("F16", [2, 2], bytes(8)))
    assert bench.evaluate(eagle_3(draft_vocab_size=16), model__safetensors=weights).allowed


def test_a_table_of_numbers_that_are_no_ids_is_refused(bench: Bench) -> None:
    weights = builders.safetensors(d2t=("F32", [4], bytes(16)))
    judged = bench.evaluate(eagle_3(), model__safetensors=weights)
    assert (judged.verdict, judged.reason) == ("Refused", "Malformed")


def test_a_pickle_is_told_and_never_opened(bench: Bench, tmp_path: Path) -> None:
    trace = tmp_path / "opened"
    exploding = f"cos\nsystem\n(S'touch {trace}'\ntR.".encode()
    judged = bench.evaluate(eagle_3(), pytorch_model__bin=exploding)
    assert judged.allowed
    assert judged.draft is not None
    assert judged.draft.pickle
    assert judged.draft.parameters is None
    assert judged.advice is not None
    assert "pickle" in judged.advice
    assert "cannot be checked" in judged.advice
    assert not trace.exists()


@given(
    ids=st.sets(st.integers(0, 30), min_size=1, max_size=10),
    target_rows=st.integers(1, 40),
    draft_rows=st.none() | st.integers(1, 12),
)
def test_tables_fit_exactly_when_every_id_is_a_row(
    ids: set[int], target_rows: int, draft_rows: int | None
) -> None:
    tables = Trimmed(tuple(sorted(ids)), frozenset(ids), target_rows)
    fits = max(ids) < target_rows and draft_rows in (None, len(ids))
    assert (trimmed_vocabulary.misfit(tables, draft_rows, target_rows) is None) is fits


@given(
    ids=st.sets(st.integers(0, 20), min_size=2, max_size=10),
    other=st.integers(0, 20),
    place=st.integers(0, 9),
)
def test_any_changed_entry_is_found(ids: set[int], other: int, place: int) -> None:
    ids_in_order = sorted(ids)
    changed = list(ids_in_order)
    changed[place % len(ids_in_order)] = other
    tables = Trimmed(tuple(changed), frozenset(ids), 21)
    same = changed == ids_in_order
    assert (trimmed_vocabulary.misfit(tables, len(ids), 21) is None) is same


@pytest.mark.parametrize("hostile", ["\0" * 9_000, "\U0001f600" * 9_000, '"\\' * 9_000])
def test_whatever_a_head_says_of_itself_fits_a_termination_message(
    bench: Bench, hostile: str
) -> None:
    judged = bench.evaluate(
        eagle_3(architectures=[hostile], base_model_name_or_path=hostile, torch_dtype=hostile)
    )
    assert judged.verdict == "Incompatible"
    rendered = report.render(judged)
    assert len(rendered.encode()) <= report.MAX_BYTES
    assert isinstance(report.parse(rendered), PairReport)


def joining(states: int, dtype: str = "F16") -> bytes:
    width = {"F16": 2, "U8": 1}[dtype]
    return builders.safetensors(
        **{"fc.weight": (dtype, [2, 2 * states], bytes(4 * states * width))}
    )


@pytest.mark.parametrize(
    ("weights", "allowed"),
    [(joining(3), True), (joining(4), False), (joining(4, "U8"), True)],  # the last is packed
)
def test_a_projection_joins_as_many_states_as_layers_are_listed(
    bench: Bench, weights: bytes, allowed: bool
) -> None:
    layers = {"eagle_aux_hidden_state_layer_ids": [0, 1, 2]}
    config = eagle_3(draft_vocab_size=16, eagle_config=layers)
    judged = bench.evaluate(config, model__safetensors=weights)
    assert judged.allowed is allowed
    assert allowed or "lists 3 layers, and fc joins 4" in judged.message
