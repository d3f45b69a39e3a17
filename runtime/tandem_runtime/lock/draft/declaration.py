"""Which target a head was made for, and whether that is this one.

A head's config.json declares it, else its model card names it, else the user attests it. Mirrors,
quantized copies and paths of a training machine make a true declaration name something else than
the target: there the user's attestation answers it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tandem_runtime.contract.request import Attestation
from tandem_runtime.lock.verdict import compare
from tandem_runtime.lock.verdict.compare import Comparison

_FIELDS = ("base_model_name_or_path", "target_model_name_or_path", "base_model")
FIELD = "tokenizerLock.attestedTarget"
_ADDRESS = re.compile(r"^(?:hf://|https?://(?:www\.)?(?:huggingface\.co|hf\.co)/)")
_IN_CACHE = re.compile(r"(?:^|/)models--(?P<organization>[^/]+?)--(?P<name>[^/]+?)(?:/|$)")


@dataclass(frozen=True)
class Declaration:
    """A target by its name; `where` is the field that names it. `revision` None: not named.

    `others` are further names that the same field lists.
    """

    name: str
    where: str
    revision: str | None = None
    others: tuple[str, ...] = ()

    def naming(self, known: Collection[str]) -> Declaration:
        """The declaration by the first of its names that is known, else as it is."""
        for name in (self.name, *self.others):
            if _plain(name) in known:
                return replace(self, name=name)
        return self


@dataclass(frozen=True)
class Target:
    """What the target is known as: its own names, the models that it names as its base, and its
    revisions (commit or digest, and the branch or tag that was asked for)."""

    names: tuple[str, ...]
    bases: tuple[str, ...] = ()
    revisions: tuple[str, ...] = ()


def of_head(config: Mapping[str, Any], card_bases: tuple[str, ...]) -> Declaration | None:
    """The target that a head's files name, None where they name none."""
    speculators = config.get("speculators_config")
    verifier = speculators.get("verifier") if isinstance(speculators, Mapping) else None
    if isinstance(verifier, Mapping) and isinstance(verifier.get("name_or_path"), str):
        revision = verifier.get("revision")
        return Declaration(
            verifier["name_or_path"],
            "speculators_config.verifier.name_or_path",
            revision if isinstance(revision, str) else None,
        )
    for key in _FIELDS:
        if isinstance(config.get(key), str) and config[key]:
            return Declaration(config[key], key)
    if card_bases:
        first, *others = card_bases
        return Declaration(first, "base_model of its model card", others=tuple(others))
    return None


def evaluate(
    stated: Declaration | None, target: Target, attested: Attestation | None, advice: str | None
) -> Comparison:
    """Whether the head is the target's. `advice` is for a head that is. Pure."""
    own = {_plain(name) for name in target.names}
    known = own | {_plain(name) for name in target.bases}
    if stated is not None:
        stated = stated.naming(known)
    if stated is not None and _plain(stated.name) in known:
        return _of_revision(stated, target, _where(stated, own), advice)
    if attested is not None:
        return _attested(stated, target, attested, own, known, advice)
    if stated is None:
        return Comparison(
            compare.UNKNOWN,
            "NoTokenizer",
            "the head has no tokenizer and declares no target",
            advice=f"name the target it was trained for in {FIELD}",
        )
    return Comparison(
        compare.INCOMPATIBLE,
        "DeclaredTargetDiffers",
        f"the head declares {stated.name!r} ({stated.where}); the target is "
        f"{' or '.join(sorted(known))}",
        advice="use a head that was trained for this target; if the target is that model under "
        f"another name (a mirror, a quantised copy), state it: {FIELD}.uri: {_example(stated)}",
    )


def _attested(
    stated: Declaration | None,
    target: Target,
    attested: Attestation,
    own: set[str],
    known: set[str],
    advice: str | None,
) -> Comparison:
    name = _plain(attested.uri)
    verb = "is attested for"
    if name in known:
        attested_declaration = Declaration(attested.uri, FIELD, attested.revision)
        answers = "" if stated is None else f", though {stated.where} names {stated.name!r}"
        message = f"the head {verb} this target{answers}"
        return replace(_of_revision(attested_declaration, target, message, advice), attested=True)
    if stated is not None and name == _plain(stated.naming((name,)).name):
        stated = stated.naming((name,))
        return Comparison(
            compare.COMPATIBLE,
            "DeclaredTarget",
            f"the head declares {stated.name!r}, and the target is attested as a copy of it",
            advice=advice,
            attested=True,
        )
    declared = "" if stated is None else f" and declares {stated.name!r} ({stated.where})"
    return Comparison(
        compare.INCOMPATIBLE,
        "DeclaredTargetDiffers",
        f"the head {verb} {attested.uri!r}{declared}; the target is {' or '.join(sorted(known))}",
        advice=f"{FIELD} must name the target itself, or what the head declares",
    )


def _of_revision(
    declaration: Declaration, target: Target, message: str, advice: str | None
) -> Comparison:
    if declaration.revision is not None and declaration.revision not in target.revisions:
        return Comparison(
            compare.INCOMPATIBLE,
            "DeclaredTargetDiffers",
            f"{declaration.where} names revision {declaration.revision!r}; the target has "
            f"{' or '.join(repr(each) for each in target.revisions) or 'none'}",
        )
    return Comparison(compare.COMPATIBLE, "DeclaredTarget", message, advice=advice)


def _where(stated: Declaration, own: set[str]) -> str:
    if _plain(stated.name) in own:
        return f"the head declares this target ({stated.where})"
    return f"the head declares {stated.name!r} ({stated.where}), which the target names as its base"


def _example(stated: Declaration) -> str:
    name = _plain(stated.name)
    return (
        f"hf://{stated.name}"
        if name.count("/") == 1 and not name.startswith("/")
        else ("the target's own URI")
    )


def _plain(name: str) -> str:
    """A repository's name as hubs compare it: `org/name` in lower case.

    Also out of the address of its page, and out of a path into a hub's cache, which names it.
    """
    cached = _IN_CACHE.search(name)
    if cached is not None:
        return f"{cached['organization']}/{cached['name']}".lower()
    return _ADDRESS.sub("", name).rstrip("/").lower()
