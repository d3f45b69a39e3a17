"""The start profile of a resource: a ConfigMap `<name>-profile` that somebody made for it.

Its key `profile.json` holds what `tandem bench` wrote. It is checked here, because the tuner itself
trusts its settings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tandem_operator.api.spec import Spec

Object = dict[str, Any]

KEY = "profile.json"
LARGEST_BYTES = 256 * 1024

Times = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


class ProfileRefusedError(ValueError):
    """It cannot be used; the message names ConfigMap, field and remedy."""


class _Sample(BaseModel):
    model_config = ConfigDict(extra="forbid")
    batch: Annotated[float, Field(ge=1, allow_inf_nan=False)]
    tokens: Annotated[int, Field(ge=0, le=32)]
    seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    steps: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.0
    context_tokens: Times = 0.0
    prefill_tokens: Times = 0.0


class _Profile(BaseModel):
    """What the tuner reads of docs/profile.schema.json; the rest is the simulator's."""

    pair: dict[str, str] = {}
    step_time: dict[str, Times] | None = None
    step_samples: Annotated[tuple[_Sample, ...], Field(max_length=1000)] | None = None
    survival: dict[str, Annotated[tuple[Share, ...], Field(min_length=1, max_length=32)]] = {}


def read(config_map: Object, spec: Spec) -> Mapping[str, Any]:
    """The profile. Raises ProfileRefusedError for one that is damaged or of another pair."""
    name = config_map["metadata"]["name"]
    text = (config_map.get("data") or {}).get(KEY)
    if text is None:
        raise ProfileRefusedError(
            f"ConfigMap {name} has no key {KEY}: put a profile of bench there"
        )
    if len(text) > LARGEST_BYTES:
        raise ProfileRefusedError(f"ConfigMap {name}: {KEY} is above {LARGEST_BYTES} bytes")
    try:
        document = json.loads(text)
        profile = _Profile.model_validate(document)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ProfileRefusedError(
            f"ConfigMap {name}: {KEY}: {place}: {first['msg']}: see docs/profile.schema.json"
        ) from problem
    except ValueError as problem:
        raise ProfileRefusedError(f"ConfigMap {name}: {KEY} is not JSON: {problem}") from problem
    if profile.step_time is None and profile.step_samples is None:
        raise ProfileRefusedError(
            f"ConfigMap {name}: {KEY} has neither step_samples nor step_time: run tandem bench"
        )
    _check_pair(name, profile.pair, spec)
    content: Mapping[str, Any] = document
    return content


def _check_pair(name: str, pair: Mapping[str, str], spec: Spec) -> None:
    serves = {
        "target": spec.target.uri,
        "draft": None if spec.draft is None else spec.draft.uri,
        "image": spec.engine.image,
    }
    for key, own in serves.items():
        if key in pair and own is not None and pair[key] != own:
            raise ProfileRefusedError(
                f"ConfigMap {name}: measured with {key} {pair[key]}, and the resource has {own}: "
                "run tandem bench against this one"
            )
