from __future__ import annotations

import json
from pathlib import Path

from hack.cluster.control_plane.audit import writes

OPERATOR = "system:serviceaccount:tandem-system:tandem"


def line(user: str, name: str, code: int = 200, **about: str) -> str:
    return json.dumps(
        {
            "verb": "patch",
            "user": {"username": user},
            "objectRef": {"resource": "configmaps", "namespace": "default", "name": name, **about},
            "responseStatus": {"code": code},
            "stageTimestamp": "2026-01-02T03:04:05.000006Z",
        }
    )


def test_only_writes_of_the_asked_user_are_read(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    log.write_text(line(OPERATOR, "table") + "\n" + line("admin", "other") + "\n")
    (only,) = writes(log, OPERATOR)
    assert (only.resource, only.namespace, only.name) == ("configmaps", "default", "table")
    assert only.at.microsecond == 6
    assert len(writes(log)) == 2


def test_a_subresource_is_named_and_a_refusal_is_no_accepted_write(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    log.write_text(line(OPERATOR, "a", 409, resource="specdeps", subresource="status") + "\n")
    (refused,) = writes(log)
    assert refused.resource == "specdeps/status"
    assert not refused.accepted


def test_a_line_that_is_being_written_is_left_for_the_next_reading(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    log.write_text(line(OPERATOR, "whole") + "\n" + line(OPERATOR, "half")[:30])
    assert [write.name for write in writes(log)] == ["whole"]


def test_no_log_yet_means_no_writes(tmp_path: Path) -> None:
    assert writes(tmp_path / "absent.jsonl") == []
