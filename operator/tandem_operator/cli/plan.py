"""`tandem plan`: what the operator would make of manifests, without a cluster.

Exit status 0: each would be carried out; 1: one would be refused; 2: a file holds no manifest to
judge.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from typing import Any

import yaml
from pydantic.alias_generators import to_camel

from tandem_operator.api import names
from tandem_operator.cli import manifests
from tandem_operator.cli.admission import answer
from tandem_operator.cli.manifests import Manifest, ManifestError
from tandem_operator.planning import preview
from tandem_operator.planning.preview import Preview
from tandem_operator.planning.snapshot import Installation

Object = dict[str, Any]

REFUSED = 1
NOTHING_TO_JUDGE = 2
DEFAULT_IMAGE = "tandem-runtime"
DEFAULT_NAMESPACE = "default"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument(
        "-f",
        "--filename",
        required=True,
        action="append",
        metavar="FILE",
        help="manifests, lists too; - reads standard input; repeat for more files",
    )
    parser.add_argument("-o", "--output", choices=("text", "yaml"), default="text")
    parser.add_argument(
        "-n",
        "--namespace",
        help=f"where it would stand; default: the manifest's, else {DEFAULT_NAMESPACE}",
    )
    parser.add_argument(
        "--runtime-image", default=DEFAULT_IMAGE, help="image of the lock and the fetch"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print what would be made of each resource; returns the exit status."""
    status = 0
    for filename in arguments.filename:
        try:
            found = manifests.read(filename)
        except ManifestError as problem:
            print(f"tandem plan: {problem}", file=sys.stderr)
            status = NOTHING_TO_JUDGE
            continue
        for manifest in found:
            status = max(status, _judge(manifest, arguments))
    return status


def _judge(manifest: Manifest, arguments: argparse.Namespace) -> int:
    """Print what would be made of one resource; returns its part of the exit status."""
    faults = faults_of(manifest.object, arguments.namespace)
    for fault in faults:
        print(f"tandem plan: {manifest.file}: {manifest.place}: {fault}", file=sys.stderr)
    if faults:
        return REFUSED
    installation = Installation(version="", runtime_image=arguments.runtime_image)
    namespace = arguments.namespace or DEFAULT_NAMESPACE
    seen = preview.of(manifest.object, namespace, installation)
    print(_yaml(seen) if arguments.output == "yaml" else _text(seen))
    return REFUSED if seen.refusals else 0


def faults_of(manifest: Object, namespace: str | None = None) -> list[str]:
    """Why `kubectl apply`, with this namespace, would not store the manifest."""
    faults = answer.faults_of(manifest)
    metadata = manifest.get("metadata")
    own = metadata.get("namespace") if isinstance(metadata, dict) else None
    if namespace is not None and own not in (None, "", namespace):
        faults.append(
            f"metadata.namespace is {own} and -n says {namespace}: remove one, or give -n {own}"
        )
    return faults


def _text(seen: Preview) -> str:
    lines = [f"{names.KIND} {seen.namespace}/{seen.name}", f"  input hash: {seen.input_hash}"]
    lines.append("  in force:")
    for key, value in dataclasses.asdict(seen.effective).items():
        lines.append(f"    {key.replace('_', ' ')}: {'-' if value is None else value}")
    if seen.refusals:
        lines.append("  refused:")
        lines += [f"    {refusal.reason}: {refusal}" for refusal in seen.refusals]
        return "\n".join(lines)
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
    }
    documents = [head, *json.loads(json.dumps([*seen.first, *seen.locked]))]
    text: str = yaml.safe_dump_all(documents, sort_keys=False, explicit_start=True)
    return text.rstrip()
