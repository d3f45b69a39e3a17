"""`tandem plan`: what the operator would make of a manifest, without a cluster.

Exit status 0: it would be carried out; 1: it would be refused; 2: there is no manifest to judge.
"""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import json
import sys
import typing
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_camel

from tandem_operator.api import names
from tandem_operator.api.spec import Spec
from tandem_operator.planning import preview
from tandem_operator.planning.preview import Preview
from tandem_operator.planning.snapshot import Installation

Object = dict[str, Any]

REFUSED = 1
NOTHING_TO_JUDGE = 2
DEFAULT_IMAGE = "tandem-runtime"


class ManifestError(ValueError):
    """The file holds no manifest that could be judged."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-f", "--filename", required=True, metavar="FILE", help="manifest; - reads standard input"
    )
    parser.add_argument("-o", "--output", choices=("text", "yaml"), default="text")
    parser.add_argument("-n", "--namespace", default="default", help="where it would stand")
    parser.add_argument(
        "--runtime-image", default=DEFAULT_IMAGE, help="image of the lock and the fetch"
    )


def run(arguments: argparse.Namespace) -> int:
    try:
        manifests = resources_in(_read(arguments.filename), arguments.filename)
    except ManifestError as problem:
        print(f"tandem plan: {problem}", file=sys.stderr)
        return NOTHING_TO_JUDGE
    installation = Installation(version="", runtime_image=arguments.runtime_image)
    status = 0
    for manifest in manifests:
        faults = faults_of(manifest)
        if faults:
            for fault in faults:
                print(f"tandem plan: {arguments.filename}: {fault}", file=sys.stderr)
            status = REFUSED
            continue
        seen = preview.of(manifest, arguments.namespace, installation)
        print(_yaml(seen) if arguments.output == "yaml" else _text(seen))
        if seen.refusals:
            status = REFUSED
    return status


def _read(filename: str) -> str:
    if filename == "-":
        return sys.stdin.read()
    try:
        return Path(filename).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise ManifestError(f"{filename} cannot be read: {problem}") from problem


def resources_in(text: str, filename: str) -> list[Object]:
    """The resources in a file of one or more YAML documents. Raises ManifestError."""
    try:
        documents = list(yaml.safe_load_all(text))
    except yaml.YAMLError as problem:
        raise ManifestError(f"{filename} is not YAML: {problem}") from problem
    found = [
        each for each in documents if isinstance(each, dict) and each.get("kind") == names.KIND
    ]
    if not found:
        kinds = [str(each.get("kind")) for each in documents if isinstance(each, dict)]
        held = f"it holds {', '.join(kinds)}" if kinds else "it is empty"
        raise ManifestError(f"{filename} holds no {names.KIND}: {held}")
    return found


def faults_of(manifest: Object) -> list[str]:
    """What the API server would refuse by the schema, with the nearest known field for a typo."""
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        return ["metadata.name is missing: give the resource a name"]
    if manifest.get("apiVersion") != names.API_VERSION:
        return [f"apiVersion is {manifest.get('apiVersion')!r}: use {names.API_VERSION}"]
    name = metadata["name"]
    if len(name) > names.MAX_NAME_LENGTH:
        return [f"metadata.name {name} is longer than {names.MAX_NAME_LENGTH} characters"]
    try:
        Spec.model_validate(manifest.get("spec"))
    except ValidationError as error:
        return [
            _fault(fault["loc"], fault["type"], fault["msg"], fault["input"])
            for fault in error.errors(include_url=False)
        ]
    return []


def _fault(place: tuple[int | str, ...], kind: str, message: str, value: Any) -> str:
    path = "spec" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    if kind == "missing":
        return f"{path} is required and missing"
    if kind != "extra_forbidden":
        return f"{path}: {value!r:.80}: {message}"
    known = _fields_at(place[:-1])
    near = difflib.get_close_matches(str(place[-1]), known, n=1, cutoff=0.5)
    remedy = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known))}"
    return f"{path} is no field: {remedy}"


def _fields_at(place: tuple[int | str, ...]) -> list[str]:
    """Names of the fields of the model at a path of the spec."""
    model: type[BaseModel] = Spec
    for part in place:
        if isinstance(part, int):
            continue
        field = next(
            (each for name, each in model.model_fields.items() if (each.alias or name) == part),
            None,
        )
        inner = None if field is None else _model_in(field.annotation)
        if inner is None:
            break
        model = inner
    return [each.alias or name for name, each in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(each) for each in typing.get_args(annotation))
    return next((each for each in found if each is not None), None)


def _text(seen: Preview) -> str:
    lines = [f"{names.KIND} {seen.namespace}/{seen.name}", f"  input hash: {seen.input_hash}"]
    lines.append("  in force:")
    for key, value in dataclasses.asdict(seen.effective).items():
        lines.append(f"    {key.replace('_', ' ')}: {'-' if value is None else value}")
    if seen.refusals:
        lines.append("  refused:")
        lines += [f"    {refusal.reason}: {refusal}" for refusal in seen.refusals]
        return "\n".join(lines)
    if seen.notes:
        lines.append("  noted:")
        lines += [f"    {note}" for note in seen.notes]
    lines.append("  first:")
    lines += [f"    {_place(child)}" for child in seen.first]
    lines.append("  once the pair is locked (its hash is not known yet):")
    lines += [f"    {_place(child)}" for child in seen.locked]
    return "\n".join(lines)


def _place(child: Object) -> str:
    return f"{child['kind']} {child['metadata']['name']}"


def _yaml(seen: Preview) -> str:
    head = {
        "resource": f"{seen.namespace}/{seen.name}",
        "inputHash": seen.input_hash,
        "effective": {
            to_camel(key): value
            for key, value in json.loads(json.dumps(dataclasses.asdict(seen.effective))).items()
        },
        "refusals": [str(refusal) for refusal in seen.refusals],
        "notes": list(seen.notes),
    }
    documents = [head, *json.loads(json.dumps([*seen.first, *seen.locked]))]
    text: str = yaml.safe_dump_all(documents, sort_keys=False, explicit_start=True)
    return text.rstrip()
