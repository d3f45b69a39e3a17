"""One replica over several pods: vLLM's own processes on each, without Ray."""

from collections.abc import Iterator

from tandem_operator.api import defaults
from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface import nodes
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.vllm import options

EXECUTOR = "distributed-executor-backend"
"""An executor that the user names may bring devices of other nodes."""
OWN_EXECUTOR = "mp"


def of(spec: Spec) -> int:
    """Pods of one replica; one where the user's own executor brings what the pod lacks."""
    if spec.accelerator.count is not None and _others(spec) is not None:
        return 1
    return nodes.asked(spec)


def validate(spec: Spec) -> Iterator[FieldError]:
    """What several pods rule out."""
    pods = of(spec)
    if pods == 1:
        return
    named = _others(spec)
    if named is not None:
        yield FieldError(
            StalledReason.UNSUPPORTED_COMBINATION,
            "spec.engine.args",
            f"--{EXECUTOR}={named}",
            f"a replica of {pods} pods runs vLLM's own executor ({OWN_EXECUTOR}) in each",
            f"remove it, or set accelerator.count: {defaults.devices_used(spec)}",
        )
    if spec.parallelism.data > 1:
        yield FieldError(
            StalledReason.UNSUPPORTED_COMBINATION,
            "spec.parallelism.data",
            str(spec.parallelism.data),
            f"a replica of {pods} pods holds the model once: the Service knows one pod of it",
            "set parallelism.data: 1 and more replicas, or accelerator.count: "
            f"{defaults.devices_used(spec)} for one pod",
        )


def _others(spec: Spec) -> str | None:
    """The executor that the user names, where it is not vLLM's own."""
    named = options.read(tuple(spec.engine.args)).values.get(EXECUTOR)
    return None if named == OWN_EXECUTOR else named
