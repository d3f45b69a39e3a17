"""`tandem verify-pair TARGET DRAFT`: the lock's verdict on a laptop, before anything is applied.

Exit status: 0 allowed under the policy, 1 not allowed, 2 could not look.
"""

from __future__ import annotations

import argparse
import json
import os
import sys

from tandem_runtime.contract import report, request
from tandem_runtime.contract.report import PairReport
from tandem_runtime.contract.request import LockRequest, SourceRequest
from tandem_runtime.lock import pair

ALLOWED, NOT_ALLOWED, COULD_NOT_LOOK = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    where = "hf://org/name[@revision], a local folder, or a tokenizer's or GGUF file"
    parser.add_argument("target", metavar="TARGET", help=where)
    parser.add_argument("draft", metavar="DRAFT", help=where)
    parser.add_argument(
        "--policy",
        choices=request.POLICIES,
        help="what may serve (default: SameVocabulary; TargetDeclared for a head)",
    )
    parser.add_argument("--digest", help="the fingerprint that the target's tokenizer must have")
    parser.add_argument(
        "--target-name", metavar="NAME", help="the name of the target that a head must declare"
    )
    parser.add_argument(
        "--allow-remote-code", action="store_true", help="accept repositories that bring code"
    )
    parser.add_argument("--output", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    """Print the verdict; returns the exit status."""
    asked = LockRequest(
        method=request.ANY_METHOD,
        # For a pair of models TargetDeclared takes what SameVocabulary takes.
        policy=arguments.policy or "SameVocabulary",
        digest=arguments.digest,
        allow_remote_code=arguments.allow_remote_code,
        target=_source(arguments.target, arguments.target_name),
        draft=_source(arguments.draft, None),
    )
    try:
        found = pair.report(asked, os.environ)
    except pair.SideError as error:
        print(f"tandem verify-pair: {error.side}: {error}", file=sys.stderr)
        return COULD_NOT_LOOK
    if arguments.output == "json":
        print(json.dumps(report.to_document(found), indent=2))
    else:
        print(_text(found))
    return ALLOWED if found.allowed else NOT_ALLOWED


def _source(text: str, name: str | None) -> SourceRequest:
    uri, separator, revision = text, "", ""
    if text.startswith("hf://"):
        uri, separator, revision = text.partition("@")
    return SourceRequest(uri, revision=revision if separator else None, name=name)


def _text(found: PairReport) -> str:
    lines = [
        f"{found.verdict} ({found.reason}): {'allowed' if found.allowed else 'not allowed'}",
        found.message,
    ]
    if found.advice:
        lines.append(f"advice: {found.advice}")
    if found.first_differences:
        lines.append(f"{'id':>10}  {'target':<32}  draft")
    lines += [
        f"{each.id:>10}  {_shown(each.target):<32}  {_shown(each.draft)}"
        for each in found.first_differences
    ]
    for name, side in (("target", found.target), ("draft", found.draft)):
        if side is not None:
            lines.append(f"{name}: {side.tokenizer_digest or 'no fingerprint'} ({side.uri})")
    return "\n".join(lines)


def _shown(text: str | None) -> str:
    return "-" if text is None else repr(text)
