"""The defaults that depend on other fields, in the words of the functions that work them out."""

from collections.abc import Callable, Mapping

from tandem_operator.api import defaults


def _words(function: Callable[..., object]) -> str:
    """What a function says of its value: its docstring, without the name before a colon."""
    docstring = (function.__doc__ or "").strip()
    if not docstring:
        raise ValueError(f"{function.__name__} does not say what its default is")
    _, colon, value = docstring.partition(": ")
    return (value if colon else docstring).rstrip(".")


DEFAULTS: Mapping[str, str] = {
    "spec.target.servedName": "`metadata.name`",
    **dict.fromkeys(
        (
            "spec.target.revision",
            "spec.target.tokenizer.revision",
            "spec.draft.revision",
            "spec.draft.tokenizer.revision",
            "spec.tokenizerLock.attestedTarget.revision",
        ),
        _words(defaults.revision),
    ),
    "spec.tokenizerLock.policy": _words(defaults.lock_policy),
    "spec.speculation.initialTokens": _words(defaults.initial_tokens),
    "spec.tuning.maxTokens": _words(defaults.tuning_max_tokens),
    "spec.engine.server": _words(defaults.engine_server),
    "spec.accelerator.resource": (
        f"`{defaults.DEFAULT_RESOURCE}`; "
        + "; ".join(
            f"`{resource}` for {engine.value}"
            for engine, resource in defaults.RESOURCE_BY_ENGINE.items()
        )
    ),
    "spec.accelerator.count": _words(defaults.accelerator_count),
}
"""The value by the path of its field."""
