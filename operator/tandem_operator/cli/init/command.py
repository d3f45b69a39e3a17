"""`tandem init TARGET [DRAFT]`: a manifest of a pair that the lock has inspected.

Without DRAFT it says which methods the target has without one, and which published drafts are worth
a look. Exit status 0: a manifest was written; 1: the pair is not allowed; 2: could not inspect.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from tandem_operator.api.spec import EngineType, LockPolicy, Method, Spec
from tandem_operator.cli import output, pair_inspection
from tandem_operator.cli.admission import answer
from tandem_operator.cli.init import draft_depth, known_drafts
from tandem_operator.cli.init.manifest_text import Written, text_of
from tandem_operator.cli.pair_inspection import Inspection, InspectionError
from tandem_runtime.contract import request
from tandem_runtime.contract.report import PairReport, SideReport
from tandem_runtime.contract.request import LockRequest, SourceRequest
from tandem_runtime.lock.draft import draft_kinds

Object = dict[str, Any]

NOT_ALLOWED, COULD_NOT_INSPECT = 1, 2
DEFAULT_IMAGE = "vllm/vllm-openai:v0.32.0"
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@.+)?")
LONGEST_NAME = 40
WITH_SECRET = ("hf://", "s3://")
"""Sources that may need a Secret."""
FLAGS = {
    "spec.engine.image": "--image",
    "metadata.namespace": "--namespace",
    "spec.target.secretName": "--secret",
    "spec.draft.secretName": "--secret",
}
"""Which flag stands for a field of the manifest."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    where = "hf://org/name[@revision], org/name, s3://bucket/path, or a local folder"
    parser.add_argument("target", metavar="TARGET", help=where)
    parser.add_argument(
        "draft",
        metavar="DRAFT",
        nargs="?",
        help="the same for the draft; without it, drafts are suggested",
    )
    parser.add_argument(
        "--method",
        choices=[method.value for method in Method],
        help="method; default: the one that the draft is made for, NGram without a draft",
    )
    parser.add_argument("--name", help="name of the resource; default: from the target's name")
    parser.add_argument(
        "-n", "--namespace", help="namespace of the resource; default: none is written"
    )
    parser.add_argument(
        "--image", default=DEFAULT_IMAGE, help=f"image of vLLM; default: {DEFAULT_IMAGE}"
    )
    parser.add_argument("--secret", metavar="NAME", help="Secret with the hub's token")
    parser.add_argument(
        "--device-memory-gib",
        type=float,
        help="memory of one accelerator, to compute how many are needed",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="file of the manifest; default: standard output"
    )
    output.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the manifest; returns the exit status."""
    method = None if arguments.method is None else Method(arguments.method)
    if arguments.draft is None and method is None:
        method = Method.N_GRAM
    try:
        _check(arguments)
        asked = asked_of(arguments, method)
        report = pair_inspection.report(asked)
    except InspectionError as problem:
        return _refuse(str(problem), COULD_NOT_INSPECT)
    chosen = method or _made_for(report)
    manifest = manifest_of(arguments, chosen, report)
    for fault in answer.to(manifest).faults:
        path, separator, rest = fault.partition(":")
        return _refuse(FLAGS.get(path, path) + separator + rest, COULD_NOT_INSPECT)
    spec = Spec.model_validate(manifest["spec"])
    inspection = pair_inspection.judged(report, replace(asked, method=chosen.value), spec)
    if not inspection.allowed:
        return _refuse(
            "\n  ".join(["no manifest is written:", *pair_inspection.lines(inspection)]),
            NOT_ALLOWED,
        )
    rendered = written(arguments, manifest, chosen, inspection)
    text = text_of(rendered) if arguments.output == output.TEXT else ""
    text = text or output.dumped(manifest, arguments.output)
    if arguments.out is None:
        print(text)
    else:
        try:
            with arguments.out.open("x", encoding="utf-8") as file:
                file.write(f"{text}\n")
        except FileExistsError:
            return _refuse(
                f"--out {arguments.out} is there already: name another", COULD_NOT_INSPECT
            )
        except OSError as problem:
            return _refuse(f"--out {arguments.out}: {problem.strerror}", COULD_NOT_INSPECT)
    for line in suggestions(arguments, report):
        print(line, file=sys.stderr)
    return 0


def asked_of(arguments: argparse.Namespace, method: Method | None) -> LockRequest:
    """What the lock is asked: the pair, whatever draft it is."""
    return LockRequest(
        method=request.ANY_METHOD if method is None else method.value,
        policy=LockPolicy.SAME_VOCABULARY.value,
        target=_source(arguments.target),
        draft=None if arguments.draft is None else _source(arguments.draft),
    )


def manifest_of(arguments: argparse.Namespace, method: Method, report: PairReport) -> Object:
    """The resource, with the commits that were inspected."""
    tokens, _ = draft_depth.deepest(method, report)
    metadata: Object = {"name": arguments.name or name_of(arguments.target)}
    if arguments.namespace:
        metadata["namespace"] = arguments.namespace
    spec: Object = {"target": _side(report.target, arguments.target, arguments.secret)}
    if report.draft is not None:
        spec["draft"] = _side(report.draft, arguments.draft, arguments.secret)
    spec["speculation"] = {"method": method.value, "maxTokens": tokens}
    spec["engine"] = {"type": EngineType.VLLM.value, "image": arguments.image}
    devices = devices_of(report, arguments.device_memory_gib)
    if devices is not None and devices > 1:
        spec["parallelism"] = {"tensor": devices}
    return {
        "apiVersion": "tandem.dev/v1alpha1",
        "kind": "SpeculativeDeployment",
        "metadata": metadata,
        "spec": spec,
    }


def devices_of(report: PairReport, device_gib: float | None) -> int | None:
    """Accelerators for one replica: a power of two that leaves a third for the cache.

    None where the device or the weights are not known.
    """
    sizes = [side.weight_bytes for side in (report.target, report.draft) if side is not None]
    if device_gib is None or None in sizes:
        return None
    needed = sum(size or 0 for size in sizes) / 2**30
    count = 1
    while count < 64 and needed > count * device_gib * 2 / 3:
        count *= 2
    return count


def written(
    arguments: argparse.Namespace, manifest: Object, method: Method, inspection: Inspection
) -> Written:
    """The manifest with what there is to say of its parts."""
    _, why = draft_depth.deepest(method, inspection.report)
    return Written(manifest, inspection, why, arguments.device_memory_gib)


def suggestions(arguments: argparse.Namespace, report: PairReport) -> list[str]:
    """What else might serve this target, where no draft was named."""
    if arguments.draft is not None:
        return []
    layers = report.target.facts.mtp_layers_in_files or report.target.facts.mtp_layers
    lines = ["tandem init: no DRAFT was named. Methods that need none:"]
    lines.append("  NGram: copies from the request; for code, quotes, extraction, retrieval")
    lines.append("  Suffix: copies from earlier answers too; for agents, needs arctic-inference")
    if layers:
        lines.append(f"  MTP: the target brings {layers} trained modules (--method MTP)")
    drafts = known_drafts.for_target(report.target)
    if drafts:
        lines.append("Published drafts for targets of this config, to be inspected:")
        lines += [f"  tandem init {arguments.target} {draft}" for draft in drafts]
    else:
        lines.append("No published draft is known here for a target of this config.")
    return lines


def name_of(target: str) -> str:
    """A name for the resource, by the last part of where the target is."""
    last = re.sub(r"@.*$", "", target).rstrip("/").rpartition("/")[2].lower()
    name = re.sub(r"[^a-z0-9]+", "-", last).strip("-")
    if not name or not name[0].isalpha():
        name = f"model-{name}"
    return name[:LONGEST_NAME].strip("-")


def _made_for(report: PairReport) -> Method:
    kind = None if report.draft is None else draft_kinds.KINDS.get(report.draft.facts.kind or "")
    return Method(kind.methods[0]) if kind is not None and kind.methods else Method.DRAFT_MODEL


def _source(text: str) -> SourceRequest:
    uri, separator, revision = text, "", ""
    if not Path(text).exists() and _HUB_NAME.fullmatch(text):
        uri = f"hf://{text}"
    if uri.startswith("hf://"):
        uri, separator, revision = uri.partition("@")
    return SourceRequest(uri, revision=revision if separator else None)


def _side(side: SideReport, given: str, secret: str | None) -> Object:
    source: Object = {"uri": side.uri}
    if side.uri.startswith("hf://"):
        source["revision"] = side.revision
    elif "://" not in side.uri:
        # A folder of this machine: in a cluster it is a claim's.
        source["uri"] = f"pvc://models/{Path(given).resolve().name}"
    if secret and side.uri.startswith(WITH_SECRET):
        source["secretName"] = secret
    return source


def _check(arguments: argparse.Namespace) -> None:
    memory = arguments.device_memory_gib
    if memory is not None and not 0 < memory < 1e6:
        raise InspectionError(f"--device-memory-gib is {memory:g}: give GiB above 0")
    sources = [_source(given).uri for given in (arguments.target, arguments.draft) if given]
    if arguments.secret is not None and not any(uri.startswith(WITH_SECRET) for uri in sources):
        raise InspectionError(
            f"--secret {arguments.secret} has no effect: it is for {' and '.join(WITH_SECRET)}, "
            f"and {' and '.join(sources)} needs none: leave it out"
        )
    named = arguments.name
    if named is not None and not re.fullmatch(
        rf"[a-z]([a-z0-9-]{{0,{LONGEST_NAME - 2}}}[a-z0-9])?", named
    ):
        raise InspectionError(
            f"--name {named}: give small letters, digits and -, at most {LONGEST_NAME}"
        )


def _refuse(problem: str, status: int) -> int:
    print(f"tandem init: {problem}", file=sys.stderr)
    return status
