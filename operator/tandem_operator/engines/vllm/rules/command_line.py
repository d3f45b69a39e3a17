"""The command line as a whole: what vLLM does not read, and options that need each other."""

from collections.abc import Iterator

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.pair_validation import Warned
from tandem_operator.engines.pod import arguments
from tandem_operator.engines.vllm import options
from tandem_operator.engines.vllm.flags import OWNED_FLAGS
from tandem_operator.engines.vllm.image import version_of

FIELD = "spec.engine.args"
_REMEDY = "correct or remove it; `vllm serve --help=all` of the image lists its options"


def validate(spec: Spec) -> Iterator[FieldError]:
    """What ends the engine at its first line, where the image is of the release that is known."""
    refusal = _refusal(spec)
    if refusal is not None and version_of(spec.engine.image) == options.RELEASE:
        yield _invalid(refusal, f"vLLM {_release()} does not read it", _REMEDY)
    values = options.read(tuple(spec.engine.args)).values
    if values.get("enable-auto-tool-choice") == "--enable-auto-tool-choice" and (
        "tool-call-parser" not in values
    ):
        yield _invalid(
            "--enable-auto-tool-choice",
            "vLLM does not start it without a parser of tool calls",
            "add --tool-call-parser with the model's own (hermes, llama3_json, ...)",
        )


def warnings(spec: Spec) -> tuple[Warned, ...]:
    """The same of an image whose release is another one, or is not known."""
    refusal = _refusal(spec)
    if refusal is None or version_of(spec.engine.image) == options.RELEASE:
        return ()
    return (Warned(FIELD, f"vLLM {_release()} does not read it: {refusal}", _REMEDY),)


def _refusal(spec: Spec) -> str | None:
    if any(arguments.validate(spec, OWNED_FLAGS)):
        return None  # told already, each at its place
    return options.read(tuple(spec.engine.args)).refusal


def _release() -> str:
    return ".".join(map(str, options.RELEASE))


def _invalid(value: str, message: str, remedy: str) -> FieldError:
    return FieldError(StalledReason.INVALID_ARGUMENTS, FIELD, value, message, remedy)
