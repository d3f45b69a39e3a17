"""A preview as text, YAML and JSON."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import yaml
from pydantic.alias_generators import to_camel

from tandem_operator.api import names
from tandem_operator.api.conditions import StalledReason
from tandem_operator.cli import pair_inspection
from tandem_operator.cli.admission import pod_template
from tandem_operator.cli.pair_inspection import Inspection
from tandem_operator.planning.preview import Preview

Object = dict[str, Any]


def text(seen: Preview, inspection: Inspection | None) -> str:
    lines = [f"{names.KIND} {seen.namespace}/{seen.name}", f"  input hash: {seen.input_hash}"]
    lines.append("  values in force, with defaults:")
    values = dataclasses.asdict(seen.effective)
    a_pod, a_replica = values["accelerator_count"], values.pop("accelerators_per_replica")
    if a_replica > a_pod:
        values["accelerator_count"] = f"{a_replica} a replica, {a_pod} in each of its pods"
    for key, value in values.items():
        lines.append(f"    {key.replace('_', ' ')}: {'-' if value is None else value}")
    if inspection is not None:
        lines.append("  pair:")
        lines += [f"    {line}" for line in pair_inspection.lines(inspection)]
    elif seen.warnings:
        lines.append("  warnings:")
        lines += [f"    {warning}" for warning in seen.warnings]
    if reasons := refused(seen):
        lines.append("  refused:")
        lines += [f"    {refusal}" for refusal in reasons]
        return "\n".join(lines)
    if seen.notes:
        lines.append("  noted:")
        lines += [f"    {note}" for note in seen.notes]
    lines.append("  created first:")
    lines += [f"    {_place(child)}" for child in seen.first]
    if inspection is not None and not inspection.allowed:
        return "\n".join(lines)
    lines.append(
        "  created once the pair is locked (names may differ, since the lock has no hash yet):"
    )
    lines += [f"    {_place(child)}" for child in seen.locked]
    if seen.template is not None:
        lines.append(
            f"  spec.template has fields of Kubernetes {pod_template.version()} with values of "
            "their types; the API server judges the values, and a pod that it refuses is Stalled "
            "with InvalidTemplate"
        )
    return "\n".join(lines)


def refused(seen: Preview) -> list[str]:
    """Each reason why it would be Stalled, with its words."""
    template = (f"{StalledReason.INVALID_TEMPLATE}: {fault}" for fault in seen.template or ())
    return [*(f"{refusal.reason}: {refusal}" for refusal in seen.refusals), *template]


def _place(child: Object) -> str:
    return f"{child['kind']} {child['metadata']['name']}"


def yaml_stream(seen: Preview, inspection: Inspection | None) -> str:
    documents = [head(seen, inspection), *objects(seen, inspection)]
    stream: str = yaml.safe_dump_all(documents, sort_keys=False, explicit_start=True)
    return stream.rstrip()


def head(seen: Preview, inspection: Inspection | None) -> Object:
    return {
        "resource": f"{seen.namespace}/{seen.name}",
        "inputHash": seen.input_hash,
        "effective": {
            to_camel(key): value
            for key, value in json.loads(json.dumps(dataclasses.asdict(seen.effective))).items()
        },
        "refusals": [*map(str, seen.refusals), *(seen.template or ())],
        "warnings": [str(warning) for warning in seen.warnings],
        **({} if inspection is None else {"pair": pair_inspection.document(inspection)}),
        "notes": list(seen.notes),
    }


def objects(seen: Preview, inspection: Inspection | None) -> list[Object]:
    """What would be made; of a pair that is not allowed, the lock Job alone."""
    locked = seen.locked if inspection is None or inspection.allowed else ()
    plain: list[Object] = json.loads(json.dumps([*seen.first, *locked]))
    return plain
