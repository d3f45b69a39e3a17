"""What of a locked pair TensorRT-LLM does not start. What is not known is never held against it."""

from collections.abc import Iterable

from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.tensorrt_llm.rules.field_errors import unsupported
from tandem_runtime.contract.report import PairReport, SideReport

_READ = ("safetensors", "pickle")


def validate(spec: Spec, report: PairReport) -> Iterable[FieldError]:
    """Every refusal, the target's first."""
    sides = {"target": report.target}
    if report.draft is not None:
        sides["draft"] = report.draft
    for name, side in sides.items():
        yield from _weights(name, side)
        yield from _heads(spec, name, side)
    yield from _vocabulary(report)


def _weights(name: str, side: SideReport) -> Iterable[FieldError]:
    if side.facts.weights not in (None, *_READ):
        yield unsupported(
            f"{name}.uri",
            side.uri,
            f"its weights are {side.facts.weights}; the PyTorch backend reads safetensors",
            "use a copy of the model in safetensors",
        )


def _heads(spec: Spec, name: str, side: SideReport) -> Iterable[FieldError]:
    count, size = side.facts.attention_heads, spec.parallelism.tensor
    if count is not None and count % size:
        yield unsupported(
            "parallelism.tensor",
            size,
            f"the {name} has {count} attention heads, which are dealt out evenly",
            "use a size that divides them",
        )


def _vocabulary(report: PairReport) -> Iterable[FieldError]:
    """Drafts are compared by id, and a draft with more rows could draft what the target lacks."""
    draft, most = report.draft, report.target.config_vocab_size
    rows = None if draft is None else draft.config_vocab_size
    if draft is not None and rows is not None and most is not None and rows > most:
        yield unsupported(
            "draft.uri",
            draft.uri,
            f"it has {rows} tokens, the target {most}: it could draft what the target lacks",
            "take a draft with at most as many rows",
        )
