"""What of a locked pair the torch engine cannot serve. What is not known is never held against it.

Each rule is given the side's path in the manifest and its report.
"""

from collections.abc import Callable, Iterable

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import Spec
from tandem_operator.engines import flags
from tandem_operator.engines.field_error import FieldError
from tandem_operator.engines.pair_judgement import PairJudgement
from tandem_runtime.contract.report import PairReport, SideReport
from tandem_runtime.contract.torch_engine import ARCHITECTURES

Rule = Callable[[str, SideReport], Iterable[FieldError]]
_OTHER_ENGINE = "use engine.type: vLLM, or another model"


def judge(spec: Spec, report: PairReport) -> PairJudgement:
    """What all rules find on both sides, then what one side asks of the other. Pure."""
    sides = {"target": report.target}
    if report.draft is not None:
        sides["draft"] = report.draft
    found = [
        refusal for name, side in sides.items() for rule in RULES.values()
        for refusal in rule(name, side)
    ]  # fmt: skip
    return PairJudgement((*found, *_vocabularies(report), *_context(spec, report)))


def _architecture(name: str, side: SideReport) -> Iterable[FieldError]:
    if side.architecture is not None and side.architecture not in ARCHITECTURES:
        yield _refusal(
            f"spec.{name}.uri",
            side.uri,
            f"the torch engine does not compute {side.architecture}, but "
            f"{', '.join(ARCHITECTURES)}",
            _OTHER_ENGINE,
        )


def _weights(name: str, side: SideReport) -> Iterable[FieldError]:
    if side.facts.weights not in (None, "safetensors"):
        yield _refusal(
            f"spec.{name}.uri",
            side.uri,
            f"its weights are {side.facts.weights}; the torch engine reads safetensors",
            _OTHER_ENGINE,
        )


def _quantization(name: str, side: SideReport) -> Iterable[FieldError]:
    if side.facts.quantization is not None:
        yield _refusal(
            f"spec.{name}.uri",
            side.uri,
            f"its weights are quantized ({side.facts.quantization}); the torch engine computes "
            "float32, bfloat16 and float16",
            _OTHER_ENGINE,
        )


RULES: dict[str, Rule] = {
    "the engine computes the architecture": _architecture,
    "the weights are safetensors": _weights,
    "the weights are not quantized": _quantization,
}


def _vocabularies(report: PairReport) -> Iterable[FieldError]:
    draft, most = report.draft, report.target.config_vocab_size
    rows = None if draft is None else draft.config_vocab_size
    if draft is not None and rows is not None and most is not None and rows > most:
        yield _refusal(
            "spec.draft.uri",
            draft.uri,
            f"it has {rows} tokens, the target {most}: it could draft what the target lacks",
            "take a draft with at most as many rows",
        )


def _context(spec: Spec, report: PairReport) -> Iterable[FieldError]:
    asked = flags.value_of(spec.engine.args, "max-model-len")
    if asked is None or not asked.isdecimal():
        return
    for name, side in (("target", report.target), ("draft", report.draft)):
        length = None if side is None else side.facts.context_length
        if length is not None and int(asked) > length:
            yield _refusal(
                "spec.engine.args",
                f"--max-model-len {asked}",
                f"the {name}'s own context is {length} tokens",
                f"set at most {length}",
            )


def _refusal(field: str, value: str, message: str, remedy: str) -> FieldError:
    return FieldError(StalledReason.UNSUPPORTED_COMBINATION, field, value, message, remedy)
