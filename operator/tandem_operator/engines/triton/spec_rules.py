"""What of a spec Triton cannot do that the torch engine can by itself."""

from collections.abc import Iterable

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.torch import spec_rules as torch

API_KEY = "TORCH_ENGINE_API_KEY"
OF_HTTP = "--max-body-bytes"


def validate(spec: Spec) -> tuple[FieldError, ...]:
    """The torch engine's refusals, then Triton's, in the order of their fields."""
    return (*torch.validate(spec), *_triton(spec))


def _triton(spec: Spec) -> Iterable[FieldError]:
    if spec.engine.image is None:
        yield FieldError(
            StalledReason.UNSUPPORTED_COMBINATION,
            "spec.engine.image",
            "absent",
            "the chart's image of the torch engine has no Triton",
            "build the Dockerfile's target triton and name that image",
        )
    for index, argument in enumerate(spec.engine.args):
        if argument.partition("=")[0] == OF_HTTP:
            yield FieldError(
                StalledReason.INVALID_ARGUMENTS,
                f"spec.engine.args[{index}]",
                argument,
                "Triton reads the bodies, by its own limits",
                "remove it",
            )
    for index, variable in enumerate(spec.engine.env):
        if variable.name == API_KEY:
            yield FieldError(
                StalledReason.INVALID_ARGUMENTS,
                f"spec.engine.env[{index}].name",
                API_KEY,
                "Triton asks no client for a key",
                "remove it and ask for keys at the gateway, or use engine.server: Native",
            )
