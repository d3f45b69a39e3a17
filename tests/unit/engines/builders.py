"""Specs and launches, in as few words as a test of a driver needs."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface.installation import Installation
from tandem_operator.engines.interface.launch import EngineParts, Launch
from tandem_operator.engines.vllm import DRIVER
from tandem_runtime.contract.model_facts import UNKNOWN, ModelFacts
from tandem_runtime.contract.report import PairReport, SideReport

Object = dict[str, Any]

PAIR: Object = {
    "target": {"uri": "hf://org/target"},
    "draft": {"uri": "hf://org/draft"},
    "speculation": {"method": "DraftModel", "maxTokens": 7},
    "engine": {"type": "vLLM", "image": "vllm/vllm-openai:v0.32.0"},
}
INSTALLATION = Installation(runtime_image="runtime", torch_image="torch")
WITH_DRAFT = ("DraftModel", "Eagle", "Eagle3", "Medusa", "DFlash")
REPOSITORY = Path(__file__).parents[3]


def spec(changes: Object | None = None) -> Spec:
    """The spec of a pair on vLLM; `changes` by dotted path."""
    made = copy.deepcopy(PAIR)
    for path, value in (changes or {}).items():
        *parents, last = path.split(".")
        holder = made
        for key in parents:
            holder = holder.setdefault(key, {})
        holder[last] = value
    if made["speculation"]["method"] not in WITH_DRAFT and "draft" not in (changes or {}):
        del made["draft"]
    return Spec.model_validate(made)


def report(
    target: Object | None = None, draft: Object | None = None, *, alone: bool = False
) -> PairReport:
    """What the lock says of a good pair; changes by field of a side or of its facts."""
    return PairReport(
        verdict="Compatible",
        reason="Equal",
        allowed=True,
        message="equal tokenizers",
        target=_side("hf://org/target", target or {}),
        draft=None if alone else _side("hf://org/draft", draft or {}),
    )


def _side(uri: str, changes: Object) -> SideReport:
    of_facts = {key: changes[key] for key in changes if key in ModelFacts.__dataclass_fields__}
    of_side = {key: changes[key] for key in changes if key not in of_facts}
    return SideReport(**{"uri": uri, **of_side}, facts=ModelFacts(**of_facts))


def launch(
    changes: Object | None = None,
    *,
    facts: ModelFacts = UNKNOWN,
    without_speculation: bool = False,
) -> Launch:
    """A launch of a pair; `facts` are the target's, which then stands alone in the report."""
    return Launch(
        name="chat",
        spec=spec(changes),
        lock_hash="0123456789abcdef",
        pod_lock='{"version":1}',
        installation=INSTALLATION,
        report=replace(report(), target=SideReport("hf://org/target", facts=facts), draft=None),
        without_speculation=without_speculation,
    )


def rendered(
    changes: Object | None = None,
    *,
    facts: ModelFacts = UNKNOWN,
    without_speculation: bool = False,
) -> EngineParts:
    return DRIVER.render(launch(changes, facts=facts, without_speculation=without_speculation))


def env(parts: EngineParts) -> dict[str, Any]:
    """Variables of the container by name; a variable with a source has that source."""
    return {
        each["name"]: each.get("value", each.get("valueFrom"))
        for each in parts.leader.container["env"]
    }


def speculative(parts: EngineParts) -> Object:
    """The speculative configuration that the engine is started with."""
    (value,) = [
        word.partition("=")[2]
        for word in parts.leader.container["args"]
        if word.startswith("--speculative-config=")
    ]
    read: Object = json.loads(value)
    return read
