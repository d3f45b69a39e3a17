"""Values of options with which vLLM ends at its start, or serves no text."""

from collections.abc import Iterator, Mapping

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.pod import flags
from tandem_operator.engines.vllm import options
from tandem_operator.engines.vllm.facts import values
from tandem_operator.engines.vllm.pair_view import is_later_release, length

_SEQUENCES, _BATCHED = "max-num-seqs", "max-num-batched-tokens"
_LENGTH = "max-model-len"
_LEAST_ONE = (_SEQUENCES, _BATCHED)
"""`SchedulerConfig` of vLLM 0.32 and 0.33: at least 1."""
_LOGPROBS, _LEVEL = "max-logprobs", "optimization-level"
_LEVELS = ("0", "1", "2", "3")
_PARSERS = {
    "reasoning-parser": (values.REASONING_PARSERS, "reasoning-parser-plugin", None),
    "tool-call-parser": (values.TOOL_PARSERS, "tool-parser-plugin", "enable-auto-tool-choice"),
}
"""Options that name a parser: which there are, what brings others, what makes vLLM look it up."""
_DEALT, _BALANCED, _EXPERTS = (
    "decode-context-parallel-size", "enable-eplb", "enable-expert-parallel",
)  # fmt: skip
_SHARES = ("gpu-memory-utilization",)
"""`CacheConfig` of the same: above 0, at most 1."""
_GENERATING = {"runner": ("auto", "generate"), "convert": ("auto", "none")}
"""`ModelConfig`: with any other value it embeds, classifies or scores, and nothing is drafted."""


def validate(spec: Spec) -> Iterator[FieldError]:
    """Every such value, where it is a plain one: what a variable holds is not known here."""
    given = options.read(tuple(spec.engine.args)).values
    for name in _LEAST_ONE:
        number = _number(given.get(name))
        if number is not None and number < 1:
            yield _error(name, given, "vLLM needs at least 1", "raise it, or leave it out")
    number = _number(given.get(_LENGTH))
    if number is not None and number < 1 and number != -1:
        yield _error(_LENGTH, given, "it is a number of tokens", "write 8192, 8k or auto")
    for name in _SHARES:
        number = _number(given.get(name))
        if number is not None and not 0 < number <= 1:
            yield _error(name, given, "it is a share, above 0 and at most 1", "write 0.9 for 90 %")
    yield from _batches(given)
    for name, allowed in _GENERATING.items():
        value = given.get(name)
        if value is not None and value not in allowed and flags.REFERENCE not in value:
            yield _error(
                name,
                given,
                "the engine would generate no text, and so draft nothing",
                "leave it out",
            )
    yield from _names(spec, given)
    yield from _dealt(spec, given)
    number = _number(given.get(_LOGPROBS))
    if number is not None and number < -1:
        yield _error(_LOGPROBS, given, "it is a number of tokens", "write 20, or -1 for no limit")
    if given.get(_LEVEL, "0") not in _LEVELS and flags.REFERENCE not in given[_LEVEL]:
        yield _error(_LEVEL, given, "vLLM has levels 0 to 3", "write -O2, or leave it out")


def _names(spec: Spec, given: Mapping[str, str]) -> Iterator[FieldError]:
    """Parsers by a name that this release does not have; a later one may have more."""
    if is_later_release(spec):
        return
    for name, (known, plugin, asked_by) in _PARSERS.items():
        value = given.get(name)
        looked_up = asked_by is None or given.get(asked_by) == f"--{asked_by}"
        if value in (None, "", "None") or plugin in given or not looked_up:
            continue
        if value not in known and flags.REFERENCE not in str(value):
            yield _error(
                name, given, "vLLM has no such parser", f"use one of {', '.join(sorted(known))}"
            )


def _dealt(spec: Spec, given: Mapping[str, str]) -> Iterator[FieldError]:
    """What is dealt out over the devices must find enough of them."""
    size, tensor = _number(given.get(_DEALT)), spec.parallelism.tensor
    alone = "prefill-context-parallel-size" not in given
    if size is not None and size >= 1 and tensor % size and alone:
        yield _error(
            _DEALT, given, f"it must divide parallelism.tensor ({tensor})", "lower it, or remove it"
        )
    if given.get(_BALANCED) != f"--{_BALANCED}":
        return
    if given.get(_EXPERTS) not in (f"--{_EXPERTS}", "-ep"):
        yield _error(_BALANCED, given, f"it needs --{_EXPERTS}", f"add --{_EXPERTS}, or remove it")
    elif tensor * spec.parallelism.data == 1 and alone:
        yield _error(_BALANCED, given, "one device has nothing to balance", "remove it")


def _batches(given: Mapping[str, str]) -> Iterator[FieldError]:
    """A step has room for one token of each of its requests."""
    sequences = _number(given.get(_SEQUENCES))
    tokens = length(given.get(_BATCHED, ""))
    if sequences is not None and tokens is not None and 1 <= tokens < sequences:
        yield _error(
            _BATCHED,
            given,
            f"a step has fewer tokens than requests (--{_SEQUENCES}={given[_SEQUENCES]})",
            f"raise it, or lower --{_SEQUENCES}",
        )


def _number(value: str | None) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None


def _error(name: str, given: Mapping[str, str], message: str, remedy: str) -> FieldError:
    return FieldError(
        StalledReason.INVALID_ARGUMENTS,
        "spec.engine.args",
        given[name] if given[name].startswith("--") else f"--{name}={given[name]}",
        message,
        remedy,
    )
