"""A spec beside what the lock read of its pair, as the rules ask for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import Method, Spec
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.pair_validation import Warned
from tandem_operator.engines.vllm import options
from tandem_operator.engines.vllm.facts import config_keys
from tandem_runtime.contract.report import PairReport, SideReport
from tandem_runtime.contract.request import DRAFT, TARGET

JUDGED_BY = (0, 32)
"""The release whose rules these are. A later one may know more models and keys than they do."""
_VERSION = re.compile(r":v?(\d{1,3})\.(\d{1,4})(?:[.\-+@]|$)")
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)([kmgKMG]?)")
_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "K": 2**10, "M": 2**20, "G": 2**30}


@dataclass(frozen=True)
class Pair:
    """What all rules are given. `draft` is None where the method has none."""

    spec: Spec
    target: SideReport
    draft: SideReport | None

    @property
    def method(self) -> Method:
        """The method that is asked for."""
        return self.spec.speculation.method

    @property
    def config(self) -> Mapping[str, Any]:
        """The user's keys of the speculative configuration, as vLLM takes them."""
        return config_keys.read(self.spec.speculation.engine_config)

    @property
    def sides(self) -> dict[str, SideReport]:
        """The sides by name, the target first."""
        by_side = {TARGET: self.target}
        return by_side if self.draft is None else {**by_side, DRAFT: self.draft}

    @property
    def is_later_release(self) -> bool:
        """Whether the image's tag names a release after the one whose rules these are."""
        return is_later_release(self.spec)

    def argument(self, name: str) -> str | None:
        """The value of an option of engine.args, however it is spelled."""
        return options.read(tuple(self.spec.engine.args)).values.get(name)

    @property
    def served_length(self) -> int | None:
        """Tokens of context that the target serves; None where neither side tells."""
        given = self.argument("max-model-len")
        asked = None if given is None else length(given)
        return asked if asked is not None else self.target.facts.context_length

    @property
    def heterogeneous(self) -> bool:
        """Whether draft and target may have different vocabularies."""
        return self.config.get("use_heterogeneous_vocab") is True


def of(spec: Spec, report: PairReport) -> Pair:
    """The view of a pair."""
    return Pair(spec, report.target, report.draft)


def is_later_release(spec: Spec) -> bool:
    """Whether the image's tag names a release after JUDGED_BY."""
    match = _VERSION.search(spec.engine.image or "")
    return match is not None and (int(match[1]), int(match[2])) > JUDGED_BY


def length(text: str) -> int | None:
    """Tokens in vLLM's spelling (`32768`, `32k`, `1.5M`, `32K` for 32 x 1,024); None for none."""
    match = _LENGTH.fullmatch(text)
    return None if match is None else int(float(match[1]) * _FACTORS[match[2]])


def refuse(field: str, value: object, message: str, remedy: str) -> FieldError:
    """A combination that the engine does not start."""
    return FieldError(StalledReason.UNSUPPORTED_COMBINATION, field, str(value), message, remedy)


def refuse_in(
    pair: Pair, field: str, value: object, message: str, remedy: str
) -> FieldError | Warned:
    """Refused by what JUDGED_BY knows; of a later release, which may know more, only told."""
    if pair.is_later_release:
        qualified = (
            f"{message} as of {JUDGED_BY[0]}.{JUDGED_BY[1]}; this image is of a later release"
        )
        return Warned(field, qualified, remedy)
    return refuse(field, value, message, remedy)
