"""Whether the weights of a pair fit the devices that the administrator described."""

from __future__ import annotations

from tandem_operator.api.conditions import StalledReason
from tandem_operator.engines.refusal import Refusal
from tandem_operator.planning.resource import Resource
from tandem_operator.planning.snapshot import Installation
from tandem_runtime.contract.report import PairReport


def judge(
    resource: Resource, report: PairReport, installation: Installation
) -> tuple[Refusal, ...]:
    """A refusal when weights alone exceed the devices' memory, in bytes; unknown sizes pass."""
    values = resource.values
    device_bytes = installation.memory_bytes.get(values.accelerator_resource or "")
    if device_bytes is None:
        return ()
    sides = [side for side in (report.target, report.draft) if side is not None]
    weight_bytes = sum(side.weight_bytes or 0 for side in sides)
    held_bytes = device_bytes * values.accelerator_count
    if weight_bytes <= held_bytes:
        return ()
    return (
        Refusal(
            StalledReason.INSUFFICIENT_MEMORY,
            "spec.accelerator",
            f"{values.accelerator_count} x {values.accelerator_resource}",
            f"target and draft weigh {weight_bytes / 1e9:.1f} GB and the devices hold "
            f"{held_bytes / 1e9:.1f} GB",
            "raise accelerator.count and parallelism.tensor, or take a smaller or quantized model",
        ),
    )
