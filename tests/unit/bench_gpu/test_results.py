"""A finished part is kept with what it was measured with."""

import json
from pathlib import Path

from hack.gpu.results.results import Results

COMMON = {"machine": {"gpu": "one"}, "target": ["llm", "ab"]}


def test_a_finished_part_is_found_by_the_next_run(tmp_path: Path) -> None:
    Results(tmp_path, COMMON).put("steps.off", {"k": 1}, {"ms": 2.5})

    assert Results(tmp_path, COMMON).get("steps.off", {"k": 1}) == {"ms": 2.5}


def test_other_inputs_are_another_measurement_and_displace_nothing(tmp_path: Path) -> None:
    first = Results(tmp_path, COMMON)
    first.put("steps.off", {"k": 1}, {"ms": 2.5})
    other_machine = Results(tmp_path, {**COMMON, "machine": {"gpu": "two"}})

    assert first.get("steps.off", {"k": 2}) is None
    assert other_machine.get("steps.off", {"k": 1}) is None
    other_machine.put("steps.off", {"k": 1}, {"ms": 9.0})
    assert first.get("steps.off", {"k": 1}) == {"ms": 2.5}


def test_a_file_says_what_it_was_measured_with_and_when(tmp_path: Path) -> None:
    results = Results(tmp_path, COMMON)
    results.put("steps.off", {"k": 1}, {"ms": 2.5})

    document = json.loads(results.path("steps.off", {"k": 1}).read_text())
    assert document["inputs"] == {**COMMON, "k": 1}
    assert document["part"] == "steps.off"
    assert document["measured"].endswith("+00:00")


def test_a_damaged_file_is_measured_again(tmp_path: Path) -> None:
    results = Results(tmp_path, COMMON)
    for text in ("", "{", "[]", '{"result": 1}'):
        results.path("steps.off", {}).write_text(text)
        assert results.get("steps.off", {}) is None
