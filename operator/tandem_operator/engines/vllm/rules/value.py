"""Values of options with which vLLM ends at its start, or serves no text."""

from collections.abc import Iterator

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.pod import flags

_LEAST_ONE = ("max-num-seqs", "max-num-batched-tokens")
"""`SchedulerConfig` of vLLM 0.32 and 0.33: at least 1."""
_SHARES = ("gpu-memory-utilization",)
"""`CacheConfig` of the same: above 0, at most 1."""
_GENERATING = {"runner": ("auto", "generate"), "convert": ("auto", "none")}
"""`ModelConfig`: with any other value it embeds, classifies or scores, and nothing is drafted."""


def validate(spec: Spec) -> Iterator[FieldError]:
    """Every such value, where it is a plain one: what a variable holds is not known here."""
    arguments = tuple(spec.engine.args)
    for name in _LEAST_ONE:
        number = _number(flags.value_of(arguments, name))
        if number is not None and number < 1:
            yield _refusal(name, arguments, "vLLM needs at least 1", "raise it, or leave it out")
    for name in _SHARES:
        number = _number(flags.value_of(arguments, name))
        if number is not None and not 0 < number <= 1:
            yield _refusal(
                name, arguments, "it is a share, above 0 and at most 1", "write 0.9 for 90 %"
            )
    for name, allowed in _GENERATING.items():
        value = flags.value_of(arguments, name)
        if value is not None and value not in allowed and flags.REFERENCE not in value:
            yield _refusal(
                name,
                arguments,
                "the engine would generate no text, and so draft nothing",
                "leave it out",
            )


def _number(value: str | None) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None


def _refusal(name: str, arguments: tuple[str, ...], message: str, remedy: str) -> FieldError:
    value = flags.value_of(arguments, name)
    return FieldError(
        StalledReason.INVALID_ARGUMENTS, "spec.engine.args", f"--{name}={value}", message, remedy
    )
