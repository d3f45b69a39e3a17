"""`tandem verify-pair TARGET [DRAFT]`: what lock and engine say of a pair, before it is applied.

Exit status: 0 allowed, 1 not allowed, 2 could not inspect.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from dataclasses import replace

from tandem_operator.api import defaults
from tandem_operator.api.spec import (
    METHODS_WITH_DRAFT,
    METHODS_WITH_OPTIONAL_DRAFT,
    EngineType,
    LockPolicy,
    Method,
    Spec,
)
from tandem_operator.api.spec.model_source import ORGANIZATION_AND_NAME
from tandem_operator.cli import output, pair_inspection
from tandem_operator.cli.pair_inspection import InspectionError
from tandem_operator.engines import registry
from tandem_runtime.contract import request
from tandem_runtime.contract.report import PairReport
from tandem_runtime.contract.request import Attestation, LockRequest, SourceRequest
from tandem_runtime.lock.draft import draft_kinds

ALLOWED, NOT_ALLOWED, COULD_NOT_INSPECT = 0, 1, 2
NO_DRAFT = "-"
DEFAULT_VERSION = "0.32.0"
DEFAULT_VERSIONS = {EngineType.VLLM: DEFAULT_VERSION, EngineType.TENSORRT_LLM: "1.3.0"}
"""Of engines whose images are numbered by them."""
MAY_DRAFT = METHODS_WITH_DRAFT | METHODS_WITH_OPTIONAL_DRAFT
"""Methods for which DRAFT may be named."""
WITHOUT_DRAFT = [method.value for method in Method if method not in METHODS_WITH_DRAFT]
FLAGS = {
    "tokenizerLock.allowRemoteCode": "--allow-remote-code",
    "tokenizerLock.attestedTarget.uri": "--attested-target",
    "tokenizerLock.attestedTarget": "--attested-target",
    "tokenizerLock.digest": "--digest",
    "tokenizerLock.policy": "--policy",
    "target.servedName": "--target-name",
    "speculation.method": "--method",
    "speculation.maxTokens": "--max-tokens",
    "maxTokens": "--max-tokens",
    "parallelism.tensor": "--tensor",
    "target.uri": "TARGET",
    "draft.uri": "DRAFT",
}
"""What stands for a field of the resource here."""
_FIELD = re.compile(
    rf"\b(?:spec\.)?(?<!tuning\.)({'|'.join(map(re.escape, FLAGS))})\b(: (?=[\w\"]))?"
)
_HUB_NAME = re.compile(rf"{ORGANIZATION_AND_NAME}(@.+)?")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    where = "hf://org/name[@revision], a local folder, or a tokenizer's or GGUF file"
    parser.add_argument("target", metavar="TARGET", help=where)
    parser.add_argument(
        "draft",
        metavar="DRAFT",
        nargs="?",
        default=NO_DRAFT,
        help=f"the same for the draft; none, or {NO_DRAFT}, for a method without a draft",
    )
    parser.add_argument(
        "--method",
        choices=[method.value for method in Method],
        help="method; default: the one that the draft is made for",
    )
    parser.add_argument(
        "--policy",
        choices=[policy.value for policy in LockPolicy],
        help="what is allowed to serve (default: SameVocabulary; TargetDeclared for a head)",
    )
    parser.add_argument(
        "--max-tokens", type=_within(1, 32), default=5, metavar="K", help="largest K (default: 5)"
    )
    parser.add_argument(
        "--tensor",
        type=_within(1, 64),
        default=1,
        metavar="N",
        help="tensor parallel size (default: 1)",
    )
    parser.add_argument(
        "--engine",
        choices=[engine.value for engine in registry.driven()],
        default=EngineType.VLLM.value,
        metavar="TYPE",
        help=f"spec.engine.type: {', '.join(registry.driven())} (default: {EngineType.VLLM.value})",
    )
    parser.add_argument(
        "--engine-version",
        type=_version,
        metavar="V",
        help="version of the engine (default: "
        + ", ".join(f"{version} of {engine}" for engine, version in DEFAULT_VERSIONS.items())
        + ")",
    )
    parser.add_argument("--digest", help="fingerprint that the target's tokenizer must have")
    parser.add_argument(
        "--attested-target",
        type=_attested,
        metavar="URI",
        help="model that the head was trained for, or that TARGET is a copy of, as stated by you",
    )
    parser.add_argument(
        "--target-name", metavar="NAME", help="name of the target that a head must declare"
    )
    parser.add_argument(
        "--allow-remote-code", action="store_true", help="accept repositories that contain code"
    )
    output.add_arguments(parser)
    parser.set_defaults(wrong_usage=parser.error)


def run(arguments: argparse.Namespace) -> int:
    """Print what lock and engine say; returns the exit status."""
    draft = None if arguments.draft == NO_DRAFT else arguments.draft
    method = None if arguments.method is None else Method(arguments.method)
    if draft is None and (method is None or method in METHODS_WITH_DRAFT):
        others = ", ".join(WITHOUT_DRAFT)
        arguments.wrong_usage(f"name DRAFT, or a --method that goes without: {others}")
    if draft is not None and method is not None and method not in MAY_DRAFT:
        arguments.wrong_usage(f"method {method.value} has no draft: leave DRAFT out")
    try:
        asked = _asked(arguments, draft, method)
        report = pair_inspection.report(asked)
    except InspectionError as problem:
        print(f"tandem verify-pair: {problem}", file=sys.stderr)
        return COULD_NOT_INSPECT
    spec = _spec(arguments, draft, method or _method_for(report))
    inspection = pair_inspection.judged(report, asked, spec)
    if arguments.output != output.TEXT:
        output.write(pair_inspection.document(inspection), arguments.output)
    else:
        image = spec.engine.image
        lines = pair_inspection.lines(inspection, "" if image is None else _version_of(arguments))
        print("\n".join(map(_with_flags, lines)))
    return ALLOWED if inspection.allowed else NOT_ALLOWED


def _method_for(report: PairReport) -> Method:
    """The method that the draft is made for; DraftModel where its files do not tell."""
    kind = None if report.draft is None else draft_kinds.KINDS.get(report.draft.facts.kind or "")
    return Method(kind.methods[0]) if kind is not None and kind.methods else Method.DRAFT_MODEL


def _asked(arguments: argparse.Namespace, draft: str | None, method: Method | None) -> LockRequest:
    if method is None:
        # For a pair of models TargetDeclared takes what SameVocabulary takes, and the other way
        # round for a head.
        policy = arguments.policy or LockPolicy.SAME_VOCABULARY.value
    else:
        policy = defaults.lock_policy(_spec(arguments, draft, method)).value
    return LockRequest(
        method=request.ANY_METHOD if method is None else method.value,
        policy=policy,
        digest=arguments.digest,
        allow_remote_code=arguments.allow_remote_code,
        attested_target=arguments.attested_target,
        target=replace(_source(arguments.target), name=arguments.target_name),
        draft=None if draft is None else _source(draft),
    )


def _spec(arguments: argparse.Namespace, draft: str | None, method: Method) -> Spec:
    """The resource that the arguments would be, as far as an engine judges a pair by it."""
    attested: Attestation | None = arguments.attested_target
    lock = {
        "policy": arguments.policy,
        "attestedTarget": None if attested is None else {"uri": attested.uri},
        "allowRemoteCode": arguments.allow_remote_code,
    }
    return Spec.model_validate(
        {
            "target": {"uri": "pvc://local/target"},
            "draft": None if draft is None else {"uri": "pvc://local/draft"},
            "speculation": {
                "method": method.value,
                "maxTokens": arguments.max_tokens,
                "constrainedOutput": "Allow",
            },
            "tokenizerLock": lock,
            "parallelism": {"tensor": arguments.tensor},
            "engine": {
                "type": arguments.engine,
                "image": registry.driver(EngineType(arguments.engine)).image_of(
                    _version_of(arguments)
                ),
            },
            # A pair is asked about, not how K moves.
            "tuning": {"mode": "Fixed"},
        }
    )


def _version_of(arguments: argparse.Namespace) -> str:
    given: str | None = arguments.engine_version
    return given or DEFAULT_VERSIONS.get(EngineType(arguments.engine), DEFAULT_VERSION)


def _source(text: str) -> SourceRequest:
    uri, separator, revision = text, "", ""
    if text.startswith("hf://"):
        uri, separator, revision = text.partition("@")
    return SourceRequest(uri, revision=revision if separator else None)


def _with_flags(line: str) -> str:
    """The line with this command's own words for fields of the resource."""

    def named(match: re.Match[str]) -> str:
        flag, value = FLAGS[match[1]], match[2] or ""
        return f"{flag} " if value and flag.startswith("-") else flag + value

    return _FIELD.sub(named, line)


def _within(low: int, high: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r}: give {low} to {high}")
        return int(text)

    return number


def _version(text: str) -> str:
    release = text.removeprefix("v")
    if not re.fullmatch(r"\d+\.\d+(\.[A-Za-z0-9._-]+)?", release):
        raise argparse.ArgumentTypeError(f"{text!r}: give a version, as {DEFAULT_VERSION}")
    return release


def _attested(text: str) -> Attestation:
    if "://" not in text:
        hint = f": did you mean hf://{text}?" if _HUB_NAME.fullmatch(text) else ""
        raise argparse.ArgumentTypeError(f"{text!r} is no URI, as hf://org/name{hint}")
    source = _source(text)
    return Attestation(source.uri, source.revision)
