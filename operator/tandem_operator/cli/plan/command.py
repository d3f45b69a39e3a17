"""`tandem plan`: what the operator would make of manifests, without a cluster.

With `--target` or `--draft` the pair's files are inspected too, as the lock Job would do it.

Exit status 0: each would be carried out; 1: one would be refused; 2: a file holds no manifest to
judge, or the pair cannot be inspected.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from tandem_operator.api import names
from tandem_operator.cli import output
from tandem_operator.cli.admission import answer, pod_template
from tandem_operator.cli.pair_inspection import InspectionError
from tandem_operator.cli.plan import diff as plan_diff
from tandem_operator.cli.plan import manifests, shown
from tandem_operator.cli.plan import pair as plan_pair
from tandem_operator.cli.plan.manifests import Manifest, ManifestError
from tandem_operator.engines.interface.installation import Installation
from tandem_operator.planning import preview
from tandem_operator.planning.resource import UnreadableSpecError
from tandem_runtime.contract.request import DRAFT, TARGET

Object = dict[str, Any]

REFUSED = 1
NOTHING_TO_JUDGE = 2
DEFAULT_IMAGE = "tandem-runtime"
DEFAULT_TORCH_IMAGE = "tandem-engine"
DEFAULT_NAMESPACE = "default"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument(
        "-f",
        "--filename",
        required=True,
        action="append",
        metavar="FILE",
        help="file of manifests; - reads standard input; repeat for more files",
    )
    output.add_arguments(parser)
    parser.add_argument(
        "--diff",
        action="store_true",
        help="compare with the cluster: show what changes, live or by replacing pods",
    )
    parser.add_argument(
        "--kubeconfig", metavar="FILE", help="kubeconfig for --diff; default: as kubectl"
    )
    parser.add_argument(
        "--context", help="context for --diff; default: the kubeconfig's current one"
    )
    parser.add_argument(
        "-n",
        "--namespace",
        help=f"namespace; default: the manifest's, else {DEFAULT_NAMESPACE}",
    )
    parser.add_argument(
        "--runtime-image",
        default=DEFAULT_IMAGE,
        help="image of the lock Job and of the container that fetches models",
    )
    parser.add_argument(
        "--torch-image", default=DEFAULT_TORCH_IMAGE, help="image of engine.type Torch"
    )
    for side in (TARGET, DRAFT):
        parser.add_argument(
            f"--{side}",
            metavar="PATH",
            help=f"folder with the {side}'s files: check the pair too, of a single resource",
        )


def run(arguments: argparse.Namespace) -> int:
    """Print what would be made of each resource; returns the exit status."""
    for name in ("kubeconfig", "context"):
        if getattr(arguments, name) is not None and not arguments.diff:
            print(f"tandem plan: --{name} is for --diff alone: leave it out", file=sys.stderr)
            return NOTHING_TO_JUDGE
    status = 0
    given: list[Manifest] = []
    for filename in arguments.filename:
        try:
            given += manifests.read(filename)
        except ManifestError as problem:
            print(f"tandem plan: {problem}", file=sys.stderr)
            status = NOTHING_TO_JUDGE
    named = {side: getattr(arguments, side) for side in (TARGET, DRAFT)}
    paths = {side: path for side, path in named.items() if path is not None}
    if paths and len(given) > 1:
        flags = " and ".join(f"--{side}" for side in paths)
        print(
            f"tandem plan: {flags} is for one resource, and there are {len(given)}: name one file",
            file=sys.stderr,
        )
        return NOTHING_TO_JUDGE
    documents: list[Object] = []
    status = max(
        [status, *(_inspected(each, arguments, paths, documents.append) for each in given)]
    )
    if documents:
        # JSON is one document, whatever was asked about.
        several = len(given) > 1
        output.write({"resources": documents} if several else documents[0], output.JSON)
    return status


def _inspected(
    manifest: Manifest,
    arguments: argparse.Namespace,
    paths: dict[str, str],
    collect: Callable[[Object], None],
) -> int:
    """Print what would be made of one resource, or `collect` it for JSON; returns its part of the
    exit status."""

    def tell(problem: object) -> None:
        print(f"tandem plan: {manifest.file}: {manifest.place}: {problem}", file=sys.stderr)

    namespace = arguments.namespace or DEFAULT_NAMESPACE
    answered = answer.to(_in_namespace(manifest.object, namespace))
    faults = [*answered.faults, *_elsewhere(manifest.object, arguments.namespace)]
    for fault in faults:
        tell(fault)
    if faults:
        if arguments.output != output.TEXT:
            place = _name(manifest, namespace)
            _write({"resource": place, "refusals": faults}, arguments, collect)
        return REFUSED
    try:
        wanted = preview.resource_of(answered.stored, namespace)
        inspection = plan_pair.inspect(wanted, paths) if paths else None
    except UnreadableSpecError as problem:
        tell(f"it would be stored, and this release cannot read it: {problem}")
        return REFUSED
    except InspectionError as problem:
        tell(problem)
        return NOTHING_TO_JUDGE
    installation = Installation(
        runtime_image=arguments.runtime_image, torch_image=arguments.torch_image
    )
    template = wanted.spec.template
    seen = preview.of(
        wanted, installation, None if template is None else pod_template.faults(template)
    )
    refused = shown.refused(seen)
    if arguments.diff:
        for refusal in refused:
            tell(f"it would be Stalled: {refusal}")
        status = _show_difference(manifest, answered.stored, arguments, tell, collect)
        return status or (REFUSED if refused else 0)
    if arguments.output == output.JSON:
        collect({**shown.head(seen, inspection), "objects": shown.objects(seen, inspection)})
    else:
        print(
            (shown.yaml_stream if arguments.output == output.YAML else shown.text)(seen, inspection)
        )
    return REFUSED if refused or (inspection is not None and not inspection.allowed) else 0


def _show_difference(
    manifest: Manifest,
    stored: Object,
    arguments: argparse.Namespace,
    tell: Callable[[object], None],
    collect: Callable[[Object], None],
) -> int:
    # Here, so that planning without a cluster loads no client.
    from tandem_operator.cli.connection import ConnectionProblem, connect

    metadata = stored["metadata"]
    place = argparse.Namespace(**{**vars(arguments), "namespace": metadata["namespace"]})
    try:
        current = connect(place).find(metadata["name"])
        difference = plan_diff.difference(current, stored, manifest.object)
    except (ConnectionProblem, UnreadableSpecError) as problem:
        tell(problem)
        return NOTHING_TO_JUDGE
    name = f"{metadata['namespace']}/{metadata['name']}"
    if arguments.output != output.TEXT:
        _write({"resource": name, **plan_diff.document(difference)}, arguments, collect)
    else:
        head, *rest = (f"{names.KIND} {name}", *plan_diff.lines(difference, name))
        print("\n  ".join([head, *rest]))
    return 0


def _write(
    document: Object, arguments: argparse.Namespace, collect: Callable[[Object], None]
) -> None:
    if arguments.output == output.JSON:
        collect(document)
    else:
        print(f"---\n{output.dumped(document, output.YAML)}")


def _name(manifest: Manifest, namespace: str) -> str:
    metadata = manifest.object.get("metadata")
    own = metadata.get("namespace") if isinstance(metadata, dict) else None
    return f"{own or namespace}/{manifest.place}"


def _in_namespace(manifest: Object, namespace: str) -> Object:
    """The manifest in the namespace where it names none, as kubectl sends it."""
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("namespace"):
        return manifest
    return {**manifest, "metadata": {**metadata, "namespace": namespace}}


def _elsewhere(manifest: Object, namespace: str | None) -> list[str]:
    """What kubectl says where the manifest names another namespace than `-n`."""
    metadata = manifest.get("metadata")
    own = metadata.get("namespace") if isinstance(metadata, dict) else None
    if namespace is None or own in (None, "", namespace):
        return []
    return [f"metadata.namespace is {own} and -n says {namespace}: remove one, or give -n {own}"]
