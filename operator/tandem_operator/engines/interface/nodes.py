"""Replicas of several pods: how many a spec asks for, and which engines can be spread over them.

Each pod has `accelerator.count` devices, so the pods of one replica are what its devices need.
"""

from typing import Protocol, runtime_checkable

from tandem_operator.api import defaults
from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface.driver import Driver
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.launch import Launch, PodParts

REDEPLOY = "Redeploy"


@runtime_checkable
class SpansNodes(Protocol):
    """What a driver offers beside `Driver` when its engine runs one replica in several pods."""

    def nodes(self, spec: Spec) -> int:
        """Pods of one replica."""
        ...

    def worker(self, launch: Launch) -> PodParts:
        """The pods of a replica beside the one that serves, all alike; they find their place in the
        variables `LWS_WORKER_INDEX` (from 1) and `LWS_LEADER_ADDRESS`."""
        ...


def of(driver: Driver, spec: Spec) -> int:
    """Pods of one replica, as its driver or else the spec alone says."""
    return driver.nodes(spec) if isinstance(driver, SpansNodes) else asked(spec)


def asked(spec: Spec) -> int:
    """Pods of one replica: all its devices by those of a pod, rounded up.

    Without a count a pod holds one stage of the pipeline. A count of devices that may be several to
    the engine tells nothing, and is taken to hold all.
    """
    count = spec.accelerator.count
    if count is None:
        return spec.parallelism.pipeline
    if defaults.accelerator_resource(spec) not in defaults.WHOLE_DEVICES:
        return 1
    return -(-defaults.devices_used(spec) // count)


def validate(driver: Driver, spec: Spec) -> tuple[FieldError, ...]:
    """What of the spec several pods cannot do; empty for a replica of one pod."""
    pods = of(driver, spec)
    if pods == 1:
        return ()
    if not isinstance(driver, SpansNodes):
        return (_alone(driver, spec, pods),)
    errors = []
    count, needed = spec.accelerator.count, defaults.devices_used(spec)
    if count is not None and needed % count != 0:
        errors.append(
            _error(
                "accelerator.count",
                str(count),
                f"{needed} devices do not come out even in pods of {count}",
                f"use a divisor of {needed}",
            )
        )
    if spec.min_ready_seconds > 0:
        errors.append(
            _error(
                "minReadySeconds",
                str(spec.min_ready_seconds),
                f"a replica of {pods} pods is a LeaderWorkerSet, which has no such wait",
                "remove it",
            )
        )
    modes = {"offMode": spec.tuning.off_mode, "onDecay": spec.tuning.on_decay}
    errors += [
        _error(
            f"tuning.{field}",
            mode.value,
            f"it tries a pod beside the others, and a replica is {pods} pods",
            f"remove it, or set accelerator.count: {needed} for one pod",
        )
        for field, mode in modes.items()
        if mode.value == REDEPLOY
    ]
    return tuple(errors)


def _alone(driver: Driver, spec: Spec, pods: int) -> FieldError:
    field, value = "parallelism.pipeline", str(spec.parallelism.pipeline)
    if spec.accelerator.count is not None:
        field, value = "accelerator.count", str(spec.accelerator.count)
    return _error(
        field,
        value,
        f"one replica would take {pods} pods, and {driver.type.value} runs a replica in one pod "
        "here",
        f"set accelerator.count: {defaults.devices_used(spec)} for all its devices in one pod, or "
        "use engine.type: vLLM",
    )


def _error(field: str, value: str, message: str, remedy: str) -> FieldError:
    return FieldError(
        StalledReason.UNSUPPORTED_COMBINATION, f"spec.{field}", value, message, remedy
    )
