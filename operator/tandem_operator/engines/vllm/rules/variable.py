"""Environment variables of the user's that vLLM does not take, or does not know."""

from collections.abc import Iterator

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.pair_validation import Warned
from tandem_operator.engines.pod import environment
from tandem_operator.engines.pod.flags import REFERENCE
from tandem_operator.engines.vllm import options
from tandem_operator.engines.vllm.facts import variables
from tandem_operator.engines.vllm.image import version_of

_OWN = "VLLM_"


def validate(spec: Spec, owned: tuple[str, ...]) -> Iterator[FieldError]:
    """Values with which the engine's core ends, where the image is of the release that is known."""
    if version_of(spec.engine.image) != options.RELEASE:
        return
    for index, name, value, wanted in _wrong(spec):
        if environment.owns(owned, name):
            continue  # told already, whatever it says
        yield FieldError(
            StalledReason.INVALID_ARGUMENTS,
            f"spec.engine.env[{index}].value",
            value,
            f"vLLM {_release()} ends at its start unless {name} is {wanted}",
            "correct or remove it",
        )


def warnings(spec: Spec) -> Iterator[Warned]:
    """The same of another release, and names that this release does not read."""
    if version_of(spec.engine.image) == options.RELEASE:
        for index, variable in enumerate(spec.engine.env):
            if variable.name.startswith(_OWN) and variable.name not in variables.known():
                yield Warned(
                    f"spec.engine.env[{index}].name",
                    f"vLLM {_release()} reads no variable {variable.name}: it has no effect",
                    "remove it, or use the option that took its place",
                )
        return
    for index, name, value, wanted in _wrong(spec):
        yield Warned(
            f"spec.engine.env[{index}].value",
            f"vLLM {_release()} ends at its start unless {name} is {wanted}, and it is {value!r}",
            "correct or remove it",
        )


def _wrong(spec: Spec) -> Iterator[tuple[int, str, str, str]]:
    """Place, name, value and what the value must be."""
    for index, variable in enumerate(spec.engine.env):
        value = variable.value
        if value is None or REFERENCE in value:
            continue
        wanted = variables.wanted(variable.name, value)
        if wanted is not None:
            yield index, variable.name, value, wanted


def _release() -> str:
    return ".".join(map(str, options.RELEASE))
