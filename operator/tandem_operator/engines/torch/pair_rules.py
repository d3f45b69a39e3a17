"""What of a locked pair the torch engine cannot serve. What is not known is never held against it.

Each rule is given the side's path in the manifest and its report.
"""

from collections.abc import Callable, Iterable, Mapping

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.pair_validation import PairValidation
from tandem_operator.engines.pod import flags
from tandem_operator.engines.torch import memory_rules
from tandem_operator.engines.torch.memory_rules import context_tokens
from tandem_runtime.contract.engines.torch_engine import (
    ACTIVATIONS,
    ARCHITECTURES,
    ROPE_TYPES,
)
from tandem_runtime.contract.report import PairReport, SideReport

Rule = Callable[[str, SideReport], Iterable[FieldError]]
_OTHER_ENGINE = "use engine.type: vLLM, or another model"


def validate(spec: Spec, report: PairReport) -> PairValidation:
    """What all rules find on both sides, then what one side asks of the other. Pure."""
    sides = {"target": report.target}
    if report.draft is not None:
        sides["draft"] = report.draft
    findings = [
        error for name, side in sides.items() for rule in RULES.values()
        for error in rule(name, side)
    ]  # fmt: skip
    findings += [*_vocabularies(report), *_lengths(spec, sides)]
    if not findings:
        findings += memory_rules.cache(spec, report)
    return PairValidation(tuple(findings), device=memory_rules.device(spec, report))


def _architecture(name: str, side: SideReport) -> Iterable[FieldError]:
    if side.architecture is not None and side.architecture not in ARCHITECTURES:
        yield _error(
            f"spec.{name}.uri",
            side.uri,
            f"the torch engine does not compute {side.architecture}, but "
            f"{', '.join(ARCHITECTURES)}",
            _OTHER_ENGINE,
        )


def _weights(name: str, side: SideReport) -> Iterable[FieldError]:
    if side.facts.weights not in (None, "safetensors"):
        yield _error(
            f"spec.{name}.uri",
            side.uri,
            f"its weights are {side.facts.weights}; the torch engine reads safetensors",
            _OTHER_ENGINE,
        )


def _quantization(name: str, side: SideReport) -> Iterable[FieldError]:
    if side.facts.quantization is not None:
        yield _error(
            f"spec.{name}.uri",
            side.uri,
            f"its weights are quantized ({side.facts.quantization}); the torch engine computes "
            "float32, bfloat16 and float16",
            _OTHER_ENGINE,
        )


def _rope(name: str, side: SideReport) -> Iterable[FieldError]:
    kind = side.facts.rope_type
    if kind is not None and kind not in ROPE_TYPES:
        yield _error(
            f"spec.{name}.uri",
            side.uri,
            f"its rotary embedding is {kind}; the torch engine computes {', '.join(ROPE_TYPES)}",
            _OTHER_ENGINE,
        )


def _rotary_share(name: str, side: SideReport) -> Iterable[FieldError]:
    share = side.facts.rotary_share
    if share not in (None, 1.0):
        yield _error(
            f"spec.{name}.uri",
            side.uri,
            f"a share of {share:g} of its heads' dimensions turns (partial_rotary_factor); the "
            "torch engine turns all",
            _OTHER_ENGINE,
        )


def _activation(name: str, side: SideReport) -> Iterable[FieldError]:
    activation = side.facts.activation
    if activation is not None and activation not in ACTIVATIONS:
        yield _error(
            f"spec.{name}.uri",
            side.uri,
            f"its activation is {activation}; the torch engine computes {ACTIVATIONS[0]}",
            _OTHER_ENGINE,
        )


RULES: dict[str, Rule] = {
    "the engine computes the architecture": _architecture,
    "the weights are safetensors": _weights,
    "the weights are not quantized": _quantization,
    "the engine computes the rotary embedding": _rope,
    "all dimensions of a head turn": _rotary_share,
    "the engine computes the activation": _activation,
}


def _vocabularies(report: PairReport) -> Iterable[FieldError]:
    draft, most = report.draft, report.target.config_vocab_size
    rows = None if draft is None else draft.config_vocab_size
    if draft is not None and rows is not None and most is not None and rows > most:
        yield _error(
            "spec.draft.uri",
            draft.uri,
            f"it has {rows} tokens, the target {most}: it could draft what the target lacks",
            "take a draft with at most as many rows",
        )


def _lengths(spec: Spec, sides: Mapping[str, SideReport]) -> Iterable[FieldError]:
    """The engine serves no longer text than both models know, and none beyond their windows."""
    served = context_tokens(spec, sides["target"])
    if served is None:
        return
    limit = (
        "--max-model-len" if flags.value_of(spec.engine.args, "max-model-len") else "the context"
    )
    for name, side in sides.items():
        length, window = side.facts.context_length, side.facts.sliding_window
        if length is not None and served > length:
            yield _error(
                "spec.engine.args",
                f"{limit} {served}",
                f"the {name}'s own context is {length} tokens",
                f"set --max-model-len={length} or less",
            )
        elif window is not None and served > window:
            yield _error(
                "spec.engine.args",
                f"{limit} {served}",
                f"the {name}'s layers look back {window} tokens, and the torch engine computes no "
                "sliding window",
                f"set --max-model-len={window} or less, or use engine.type: vLLM",
            )


def _error(field: str, value: str, message: str, remedy: str) -> FieldError:
    return FieldError(StalledReason.UNSUPPORTED_COMBINATION, field, value, message, remedy)
