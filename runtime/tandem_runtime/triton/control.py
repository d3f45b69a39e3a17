"""The control request: how the actuator tells the model which table is in force, and reads it back.

One string input of the model, `tandem_control`, and one string output, `tandem_applied`; both JSON.
Clients reach the same model, so a request carries a key that lies in a folder of the pod's own.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tandem_runtime.contract import fields, table
from tandem_runtime.contract.fields import ContractError
from tandem_runtime.contract.table import Range, SpeculationTable, TableError
from tandem_runtime.plugin.table.plan import Plan

INPUT = "tandem_control"
OUTPUT = "tandem_applied"
READ, APPLY, RESTORE = "read", "apply", "restore"
_KEY_FILE = "control-key"
_KEY_BYTES = 32


@dataclass(frozen=True)
class Order:
    """`read` changes nothing; `apply` takes a newer table; `restore` takes any, or with None the
    engine's own start depth. `refused` are the actuator's counts by cause, for the page."""

    act: str = READ
    table: SpeculationTable | None = None
    refused: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Applied:
    """The table in force in the engine's process `instance`, and K by range as it uses it.

    `error` is why an order was not taken; "" where it was.
    """

    instance: str
    table: SpeculationTable | None = None
    effective: tuple[Range, ...] = ()
    error: str = ""

    def shows(self, plan: Plan) -> bool:
        """Whether just this plan is in force: its table, and K of every range."""
        return self.table == plan.table and self.effective == plan.effective()


def render_order(order: Order, key: str) -> str:
    """The input's text."""
    document = {"act": order.act, "table": _table(order.table), "refused": dict(order.refused)}
    return json.dumps({"key": key, **document})


def parse_order(text: str, key: str) -> Order:
    """The order in the input's text.

    Raises:
        ContractError: no JSON, the wrong key, or no order.
        TableError: its table is none.
    """
    document = _document(text, INPUT)
    given = document.get("key")
    if not isinstance(given, str) or not secrets.compare_digest(given.encode(), key.encode()):
        raise ContractError(f"{INPUT} is the operator's: leave it out of the request")
    act = document.get("act")
    if act not in (READ, APPLY, RESTORE):
        fields.refuse("act", act, f"one of {READ}, {APPLY}, {RESTORE}")
    raw_table = document.get("table")
    made = None if raw_table is None else table.from_document(raw_table)
    if act == APPLY and made is None:
        raise TableError("table is missing")
    refused = fields.document(document.get("refused") or {}, "refused")
    return Order(act, made, {str(cause): int(count) for cause, count in refused.items()})


def render_applied(applied: Applied) -> str:
    """The output's text."""
    return json.dumps({**vars(applied), "table": _table(applied.table)})


def parse_applied(text: str) -> Applied:
    """What the model answered. Raises ContractError, TableError."""
    document = _document(text, OUTPUT)
    raw_table = document.get("table")
    try:
        return Applied(
            instance=fields.text(document, "instance"),
            table=None if raw_table is None else table.from_document(raw_table),
            effective=tuple(Range(int(a), int(b), int(k)) for a, b, k in document["effective"]),
            error=fields.text(document, "error"),
        )
    except (KeyError, TypeError) as error:
        raise ContractError(f"{OUTPUT} is {text[:200]!r}") from error


def make_key(folder: Path) -> str:
    """A new key, in a file that the pod's containers share and only their user reads."""
    folder.mkdir(parents=True, exist_ok=True)
    key = secrets.token_hex(_KEY_BYTES)
    temporary = folder / f".{_KEY_FILE}.{os.getpid()}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(key)
    temporary.replace(folder / _KEY_FILE)
    return key


def read_key(folder: Path) -> str:
    """The key in force. Raises OSError before the server began."""
    return (folder / _KEY_FILE).read_text()


def _table(content: SpeculationTable | None) -> object:
    return None if content is None else json.loads(table.render(content))


def _document(text: str, where: str) -> dict[str, Any]:
    try:
        decoded = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ContractError(f"{where} is not JSON: {error}") from error
    return fields.document(decoded, where)
