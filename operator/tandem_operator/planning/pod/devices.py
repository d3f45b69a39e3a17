"""Devices that spec.template gives to the engine's container: no fewer than its ranks take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tandem_operator.api import defaults
from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface import nodes
from tandem_operator.engines.interface.driver import Driver
from tandem_operator.engines.interface.field_error import FieldError
from tandem_runtime.contract import paths

AMOUNTS = ("limits", "requests")
CLAIMS = "resourceClaims"


def validate(driver: Driver, spec: Spec) -> tuple[FieldError, ...]:
    """Amounts with which the engine would not start, or that the API server does not take.

    Only of whole devices: of a part of one, or a chip of several cores, nobody here knows how many
    ranks it runs. Where devices come by claims, the amounts are the user's own.
    """
    resource = defaults.accelerator_resource(spec)
    pod = (spec.template or {}).get("spec")
    if resource not in defaults.WHOLE_DEVICES or not isinstance(pod, dict) or CLAIMS in pod:
        return ()
    containers = pod.get("containers")
    return tuple(
        error
        for index, container in enumerate(containers if isinstance(containers, list) else ())
        if isinstance(container, dict) and container.get("name") == paths.CONTAINER_MAIN
        for error in _compared(
            container.get("resources"),
            f"spec.template.spec.containers[{index}].resources",
            resource,
            _needed(driver, spec),
            defaults.accelerator_count(spec),
        )
    )


def _needed(driver: Driver, spec: Spec) -> int:
    """Devices that the ranks in one pod take."""
    share = -(-defaults.devices_used(spec) // nodes.of(driver, spec))
    count = spec.accelerator.count
    return share if count is None else min(share, count)


def _compared(
    resources: Any, field: str, resource: str, needed: int, given: int
) -> Iterator[FieldError]:
    asked = {
        name: amount
        for name in AMOUNTS
        if isinstance(resources, dict)
        and (amount := _whole(resources.get(name), resource)) is not None
    }
    for name, amount in asked.items():
        if amount < needed:
            yield _error(
                f"{field}.{name}.{resource}",
                amount,
                f"parallelism takes {needed} of them in each pod",
                "remove it, or lower spec.parallelism",
            )
            return
    in_force = {name: asked.get(name, given) for name in AMOUNTS}
    if len(set(in_force.values())) > 1:
        name, amount = next(iter(asked.items()))
        yield _error(
            f"{field}.{name}.{resource}",
            amount,
            "limit and request of a device must be equal, and are "
            f"{in_force['limits']} and {in_force['requests']}",
            f"remove it and set spec.accelerator.count: {amount}",
        )


def _whole(amounts: Any, resource: str) -> int | None:
    """The amount, where it is a plain number: others the API server reads, or refuses."""
    amount = amounts.get(resource) if isinstance(amounts, dict) else None
    text = str(amount)
    return int(text) if text.isascii() and text.isdigit() else None


def _error(field: str, amount: int, message: str, remedy: str) -> FieldError:
    return FieldError(StalledReason.INVALID_TEMPLATE, field, str(amount), message, remedy)
