"""What the tokenizer lock demands of a pair."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from tandem_operator.api.fields import Explained, SpecModel
from tandem_operator.api.spec.model_source import TokenizerSource


class LockPolicy(StrEnum):
    """Which verdicts of the lock are allowed to serve."""

    EXACT = "Exact"
    SAME_VOCABULARY = "SameVocabulary"
    VOCAB_PREFIX = "VocabPrefix"
    TARGET_DECLARED = "TargetDeclared"
    SKIP = "Skip"


class TokenizerLock(SpecModel):
    """What must agree before anything is started."""

    policy: Annotated[
        LockPolicy | None,
        Field(
            description=(
                "`Exact`: only verdict Compatible. `SameVocabulary`: also Warn (every id "
                "stands for the "
                "same bytes, but something else differs). `VocabPrefix`: also a target with more "
                "ids at the end. `TargetDeclared`: a head without tokenizer that declares this "
                "target. `Skip`: any pair that can be read; a condition says so. Absent means "
                "`SameVocabulary`, and `TargetDeclared` for Eagle, Eagle3 and Medusa."
            ),
            examples=["Exact"],
        ),
    ] = None
    digest: Annotated[
        str | None,
        Explained(
            "{self} is no fingerprint: use tokfp/v1:sha256: and 64 hex digits, as tandem "
            "verify-pair prints it"
        ),
        Field(
            max_length=81,
            pattern=r"^tokfp/v1:sha256:[0-9a-f]{64}$",
            description=(
                "Fingerprint that the target's tokenizer must have. The draft is judged by the "
                "policy."
            ),
            examples=["tokfp/v1:sha256:" + 16 * "0a1b"],
        ),
    ] = None
    attested_target: Annotated[
        TokenizerSource | None,
        Field(
            description=(
                "The target that a head was trained for, as stated by you if the head's own files "
                "do not say so or use another name: the target's own URI, or the model that the "
                "head declares and the target is a copy of. Dimensions are still checked."
            ),
        ),
    ] = None
    allow_remote_code: Annotated[
        bool,
        Field(
            description=(
                "Accept repositories that contain code to run: `auto_map`, `*.py` or "
                "pickle weights."
            ),
            examples=[False],
        ),
    ] = False
