"""The verdict on two tokenizers, independent of any policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tandem_runtime.contract.report import Difference
from tandem_runtime.lock.verdict import difference
from tandem_runtime.lock.verdict.difference import Differences
from tandem_runtime.lock.verdict.inspect import Side

COMPATIBLE = "Compatible"
WARN = "Warn"
PREFIX_COMPATIBLE = "PrefixCompatible"
INCOMPATIBLE = "Incompatible"
REFUSED = "Refused"
UNKNOWN = "Unknown"


@dataclass(frozen=True)
class Comparison:
    """A verdict with its reason; `advice` is what to do about it, None for nothing.

    `attested`: the verdict rests on the user's word, not on the files'.
    """

    verdict: str
    reason: str
    message: str
    first_differences: tuple[Difference, ...] = ()
    advice: str | None = None
    attested: bool = False


def pair(target: Side, draft: Side) -> Comparison:
    """Judge two readable sides, both with a tokenizer.

    Raises ValueError where a side has none: there is nothing to compare then.
    """
    one, two = target.tokenizer, draft.tokenizer
    if one is None or two is None or target.fingerprint is None or draft.fingerprint is None:
        raise ValueError("a side has no tokenizer")
    differences = difference.find(one, target.fingerprint, two, draft.fingerprint)
    comparison = _of_ids(target, draft, differences)
    if comparison is None:
        comparison = _of_the_rest(target, draft, differences)
    return comparison


def _of_ids(target: Side, draft: Side, differences: Differences) -> Comparison | None:
    """What differing ids decide; None where every id means the same on both sides."""
    one, two = target.tokenizer, draft.tokenizer
    assert one is not None and two is not None
    if differences.changed:
        count = len(differences.changed)
        return Comparison(
            INCOMPATIBLE,
            "IdsDiffer",
            f"{count} {_ids(count)} of {len(one.ids)} {_mean(count)} other bytes to the draft; "
            + _named(difference.shown(one, two, differences.changed)),
            difference.shown(one, two, differences.changed),
            "use a draft that was trained with the target's tokenizer",
        )
    if differences.draft_extra:
        count = len(differences.draft_extra)
        return Comparison(
            INCOMPATIBLE,
            "DraftLarger",
            f"the draft has {count} {_ids(count)} that the target does not have; "
            + _named(difference.shown(one, two, differences.draft_extra)),
            difference.shown(one, two, differences.draft_extra),
            "use a draft that was trained with the target's tokenizer",
        )
    if differences.target_extra:
        count = len(differences.target_extra)
        return Comparison(
            PREFIX_COMPATIBLE,
            "TargetExtra",
            f"the target has {count} {_ids(count)} beyond the draft's last; "
            + _named(difference.shown(one, two, differences.target_extra)),
            difference.shown(one, two, differences.target_extra),
            "the draft can never propose these ids; policy VocabPrefix allows such a pair, and "
            "where vocab_size differs vLLM also needs use_heterogeneous_vocab in "
            "speculation.engineConfig",
        )
    if differences.renamed:
        count = len(differences.renamed)
        return Comparison(
            WARN,
            "ReservedRenamed",
            f"{count} reserved {_ids(count)} have another name in the draft; "
            + _named(difference.shown(one, two, differences.renamed)),
            difference.shown(one, two, differences.renamed),
        )
    return None


def _of_the_rest(target: Side, draft: Side, differences: Differences) -> Comparison:
    one, two = target.tokenizer, draft.tokenizer
    assert one is not None and two is not None
    special = _differing(target.special_tokens, draft.special_tokens)
    if special:
        return Comparison(WARN, "SpecialsDiffer", "special ids differ: " + ", ".join(special))
    encoder = _differing(one.encoder, two.encoder)
    if encoder == ["merges"]:
        return Comparison(
            WARN,
            "MergesDiffer",
            "the same ids, but other merges: the draft was trained on other splits of the same "
            "text, so fewer of its tokens may be accepted",
        )
    if encoder:
        return Comparison(
            WARN,
            "EncoderDiffers",
            "the same ids, but text is split differently: " + ", ".join(encoder),
        )
    for name, side in (("target", target), ("draft", draft)):
        rows, tokenizer = side.model.vocab_size, side.tokenizer
        assert tokenizer is not None
        if rows is not None and tokenizer.ids[-1] >= rows:
            return Comparison(
                WARN,
                "VocabSizeTooSmall",
                f"the {name}'s config.json has {rows} rows but its tokenizer's last id is "
                f"{tokenizer.ids[-1]}",
                advice="such an id crashes an engine when a request holds it",
            )
    if draft.pickle or target.pickle:
        name = "draft" if draft.pickle else "target"
        return Comparison(
            WARN,
            "PickleWeights",
            f"the tokenizers agree, but the {name}'s weights are a pickle, which can run code",
            advice="convert the weights to safetensors",
        )
    return _compatible(target, draft)


def _compatible(target: Side, draft: Side) -> Comparison:
    unknown = _incomparable(target, draft)
    note = f"; not compared, because one side's files do not say: {', '.join(unknown)}"
    note = note if unknown else ""
    rows = target.model.vocab_size, draft.model.vocab_size
    if None not in rows and rows[0] != rows[1]:
        return Comparison(
            COMPATIBLE,
            "PaddedVocab",
            f"equal tokenizers; config.json pads the target to {rows[0]} rows and the draft to "
            f"{rows[1]}{note}",
            advice="vLLM compares vocab_size and refuses the pair unless "
            "use_heterogeneous_vocab is set in speculation.engineConfig",
        )
    if target.template_hash != draft.template_hash and None not in (
        target.template_hash,
        draft.template_hash,
    ):
        return Comparison(
            COMPATIBLE, "TemplateDiffers", f"equal tokenizers with other chat templates{note}"
        )
    return Comparison(COMPATIBLE, "Equal", f"equal tokenizers{note}")


def _differing(one: Mapping[str, object], two: Mapping[str, object]) -> list[str]:
    return sorted(name for name in one.keys() & two.keys() if one[name] != two[name])


def _incomparable(target: Side, draft: Side) -> list[str]:
    one, two = target.tokenizer, draft.tokenizer
    assert one is not None and two is not None
    return sorted(
        (target.special_tokens.keys() ^ draft.special_tokens.keys())
        | (one.encoder.keys() ^ two.encoder.keys())
    )


def _named(differences: tuple[Difference, ...]) -> str:
    rows = [f"{each.id}: {each.target!r} and {each.draft!r}" for each in differences[:3]]
    return "first (id: target and draft) " + ", ".join(rows)


def _ids(count: int) -> str:
    return "id" if count == 1 else "ids"


def _mean(count: int) -> str:
    return "means" if count == 1 else "mean"
