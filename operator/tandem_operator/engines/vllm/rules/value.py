"""Values of options with which vLLM ends at its start, or serves no text."""

from collections.abc import Iterator, Mapping

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.pod import flags
from tandem_operator.engines.vllm import options
from tandem_operator.engines.vllm.pair_view import length

_SEQUENCES, _BATCHED = "max-num-seqs", "max-num-batched-tokens"
_LENGTH = "max-model-len"
_LEAST_ONE = (_SEQUENCES, _BATCHED)
"""`SchedulerConfig` of vLLM 0.32 and 0.33: at least 1."""
_SHARES = ("gpu-memory-utilization",)
"""`CacheConfig` of the same: above 0, at most 1."""
_GENERATING = {"runner": ("auto", "generate"), "convert": ("auto", "none")}
"""`ModelConfig`: with any other value it embeds, classifies or scores, and nothing is drafted."""


def validate(spec: Spec) -> Iterator[FieldError]:
    """Every such value, where it is a plain one: what a variable holds is not known here."""
    values = options.read(tuple(spec.engine.args)).values
    for name in _LEAST_ONE:
        number = _number(values.get(name))
        if number is not None and number < 1:
            yield _error(name, values, "vLLM needs at least 1", "raise it, or leave it out")
    number = _number(values.get(_LENGTH))
    if number is not None and number < 1 and number != -1:
        yield _error(_LENGTH, values, "it is a number of tokens", "write 8192, 8k or auto")
    for name in _SHARES:
        number = _number(values.get(name))
        if number is not None and not 0 < number <= 1:
            yield _error(name, values, "it is a share, above 0 and at most 1", "write 0.9 for 90 %")
    yield from _batches(values)
    for name, allowed in _GENERATING.items():
        value = values.get(name)
        if value is not None and value not in allowed and flags.REFERENCE not in value:
            yield _error(
                name,
                values,
                "the engine would generate no text, and so draft nothing",
                "leave it out",
            )


def _batches(values: Mapping[str, str]) -> Iterator[FieldError]:
    """A step has room for one token of each of its requests."""
    sequences = _number(values.get(_SEQUENCES))
    tokens = length(values.get(_BATCHED, ""))
    if sequences is not None and tokens is not None and 1 <= tokens < sequences:
        yield _error(
            _BATCHED,
            values,
            f"a step has fewer tokens than requests (--{_SEQUENCES}={values[_SEQUENCES]})",
            f"raise it, or lower --{_SEQUENCES}",
        )


def _number(value: str | None) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None


def _error(name: str, values: Mapping[str, str], message: str, remedy: str) -> FieldError:
    return FieldError(
        StalledReason.INVALID_ARGUMENTS,
        "spec.engine.args",
        f"--{name}={values[name]}",
        message,
        remedy,
    )
