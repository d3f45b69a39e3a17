"""Every condition and every reason, and the order in which they stand.

Rooms take their reasons from here; events reuse them. `condition_list.merge` makes the list.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from tandem_operator.api.status.condition import ConditionStatus


class ConditionType(StrEnum):
    """Types, in the order in which they stand in the list."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    PAUSED = "Paused"
    PAIR_COMPATIBLE = "PairCompatible"
    METRICS_AVAILABLE = "MetricsAvailable"
    SPECULATION_ACTIVE = "SpeculationActive"
    ACCEPTANCE_DECAYED = "AcceptanceDecayed"


ONLY_WHILE_TRUE = frozenset(
    {
        ConditionType.RECONCILING,
        ConditionType.STALLED,
        ConditionType.PAUSED,
        ConditionType.ACCEPTANCE_DECAYED,
    }
)
"""Types that leave the list when they end, instead of turning False."""


class Trigger(StrEnum):
    """What makes the operator look again, besides a new spec and `tandem.dev/refresh`."""

    SPEC = "spec"
    OBJECT = "an object's event"
    TIMER = "a look every 10 minutes"


class Reason(StrEnum):
    """A reason with its meaning; the value is what stands in the condition.

    `trigger` matters for reasons of Stalled, which last until their cause ends.
    """

    meaning: str
    trigger: Trigger

    def __new__(cls, value: str, meaning: str, trigger: Trigger = Trigger.SPEC) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        member.trigger = trigger
        return member


class ReadyReason(Reason):
    """Ready is False only while no replica of any locked pair is ready."""

    SERVING = "Serving", "At least one replica of a locked pair is ready."
    SCALED_TO_ZERO = "ScaledToZero", "spec.replicas is 0, and that is what stands."
    LOCK_PENDING = "LockPending", "The pair is not locked yet, so nothing is started."
    STARTING = "Starting", "The first replica of a locked pair is coming up."
    PAIR_REJECTED = "PairRejected", "The lock refuses the pair and no earlier pair serves."
    WORKLOAD_FAILED = "WorkloadFailed", "Pods exist or are refused, and none can become ready."


class ReconcilingReason(Reason):
    """Reconciling stands only while True and never beside Stalled."""

    LOCKING = "Locking", "A lock Job looks at the pair."
    ROLLING_OUT = "RollingOut", "Pods of a new revision replace those of the old one."
    WAITING_FOR_DELETION = (
        "WaitingForDeletion",
        "An object of the wanted name is still terminating or belongs to an earlier owner.",
    )
    RETRYING = (
        "Retrying",
        "A write fails and is tried again: a webhook is down, or the API server cannot take it.",
    )


class StalledReason(Reason):
    """Stalled stands only while True, until its cause ends."""

    PAIR_REJECTED = "PairRejected", "The lock refuses the pair under the policy."
    INVALID_TEMPLATE = (
        "InvalidTemplate",
        "spec.template takes what the operator owns, or the API server refuses the result.",
        Trigger.OBJECT,
    )
    INVALID_ARGUMENTS = (
        "InvalidArguments",
        "engine.args, engine.env or speculation.engineConfig take what the operator owns.",
    )
    UNSUPPORTED_ENGINE = "UnsupportedEngine", "This release cannot drive the engine."
    UNSUPPORTED_COMBINATION = (
        "UnsupportedCombination",
        "The engine cannot do this method, source or setting.",
    )
    NAME_CONFLICT = (
        "NameConflict",
        "An object of a child's name belongs to somebody else; it is never taken over.",
        Trigger.OBJECT,
    )
    PROGRESS_DEADLINE_EXCEEDED = (
        "ProgressDeadlineExceeded",
        "A rollout made no progress for progressDeadlineSeconds.",
        Trigger.OBJECT,
    )
    MODEL_NOT_FOUND = "ModelNotFound", "The source or revision does not exist.", Trigger.TIMER
    ACCESS_DENIED = "AccessDenied", "The source refuses these credentials.", Trigger.TIMER
    CONTENT_CHANGED = (
        "ContentChanged",
        "Files differ from what was locked under the same identity.",
        Trigger.TIMER,
    )
    INSUFFICIENT_MEMORY = "InsufficientMemory", "Target and draft do not fit the accelerators."
    LOCK_FAILED = "LockFailed", "The lock Job could not look.", Trigger.TIMER
    WATCH_REFUSED = (
        "WatchRefused",
        "The operator may not watch a kind in this namespace, so it changes nothing there.",
        Trigger.OBJECT,
    )


class PausedReason(Reason):
    """Paused stands only while True."""

    BY_USER = "ByUser", "spec.paused is true: nothing is written to the children."


class PairReason(Reason):
    """PairCompatible speaks of the candidate when there is one; reasons are the lock report's."""

    EQUAL = "Equal", "Every id, special id and encoder rule agrees."
    PADDED_VOCAB = "PaddedVocab", "Same tokenizer; the configured vocabulary sizes are padded."
    TEMPLATE_DIFFERS = "TemplateDiffers", "Same tokenizer; the chat templates differ."
    TARGET_EXTRA = "TargetExtra", "The target has extra trailing ids only."
    ENCODER_DIFFERS = "EncoderDiffers", "Same ids; the text is split differently."
    MERGES_DIFFER = "MergesDiffer", "Same ids; the merges differ, so acceptance may drop."
    SPECIALS_DIFFER = "SpecialsDiffer", "Same ids; the special ids differ."
    RESERVED_RENAMED = "ReservedRenamed", "Only reserved, unused tokens have other names."
    PICKLE_WEIGHTS = "PickleWeights", "Weights are pickle files, which can run code when loaded."
    VOCAB_SIZE_TOO_SMALL = (
        "VocabSizeTooSmall",
        "The configured vocabulary size is below the tokenizer's highest id.",
    )
    DECLARED_TARGET = "DeclaredTarget", "The head declares this target."
    NO_DRAFT = "NoDraft", "The method has no draft; only the target is locked."
    SKIPPED = "Skipped", "Policy Skip: the pair was read and not judged."
    IDS_DIFFER = "IdsDiffer", "The same id means different bytes."
    DRAFT_LARGER = "DraftLarger", "The draft has ids that the target lacks."
    DRAFT_KIND_DIFFERS = (
        "DraftKindDiffers",
        "The draft is made for another method, or of a kind that is not known.",
    )
    NOT_A_MODEL = "NotAModel", "The folder holds an adapter or a head, not a model that serves."
    WEIGHTS_MISSING = "WeightsMissing", "The files lack weights that the model declares."
    DECLARED_TARGET_DIFFERS = "DeclaredTargetDiffers", "The head declares another target."
    NOT_ALLOWED_BY_POLICY = (
        "NotAllowedByPolicy",
        "The verdict alone does not forbid the pair; tokenizerLock.policy does.",
    )
    MALFORMED = "Malformed", "Tokenizer or configuration cannot be read."
    TOO_LARGE = "TooLarge", "A file is larger than the lock reads."
    SYMLINK_ESCAPE = "SymlinkEscape", "A link leaves the repository."
    REMOTE_CODE = "RemoteCode", "The repository would run code of its own."
    NO_TOKENIZER = "NoTokenizer", "No tokenizer was found where one is needed."
    DIGEST_MISMATCH = "DigestMismatch", "The target's tokenizer is not tokenizerLock.digest."
    CONTENT_CHANGED = "ContentChanged", "Files changed while they were looked at."
    LOCK_PENDING = "LockPending", "The lock has not reported yet."
    LOCK_FAILED = "LockFailed", "The lock could not look."


class MetricsReason(Reason):
    """MetricsAvailable: whether decisions have numbers to stand on."""

    SCRAPED = "Scraped", "Every ready replica was read in the last interval."
    NO_TRAFFIC = "NoTraffic", "Replicas were read; no request ran."
    UNREACHABLE = "Unreachable", "No replica answers."
    MALFORMED = "Malformed", "The answer is no metrics page, or its counters are impossible."
    STALE = "Stale", "The newest numbers are older than 3 intervals."


class SpeculationReason(Reason):
    """SpeculationActive stays as it is when metrics are lost."""

    TUNED = "Tuned", "K follows the traffic."
    INITIAL = "Initial", "Nothing is measured yet: speculation.initialTokens."
    FIXED = "Fixed", "tuning.mode Fixed: speculation.initialTokens."
    OBSERVING = "Observing", "tuning.mode Observe: decisions are recorded, not applied."
    ACCEPTANCE_BELOW_THRESHOLD = (
        "AcceptanceBelowThreshold",
        "Acceptance was below minAcceptanceRatePercent for forSeconds.",
    )
    CONCURRENCY_ABOVE_THRESHOLD = (
        "ConcurrencyAboveThreshold",
        "More requests run than maxConcurrency.",
    )
    NOT_PROFITABLE = "NotProfitable", "Measured, speculation costs more than it gives."
    KILL_SWITCH = "KillSwitch", "tuning.maxTokens is 0."
    REMOVED_BY_ROLLOUT = "RemovedByRollout", "Pods run without the draft (offMode Redeploy)."
    BYPASS_UNAVAILABLE = (
        "BypassUnavailable",
        "Constrained requests must bypass speculation and the plugin does not report.",
    )
    PLUGIN_DISABLED = (
        "PluginDisabled",
        "The plugin disabled itself or was never loaded; the message says why.",
    )
    NOT_LIVE = (
        "NotLive",
        "Every step drafts the same number: this engine cannot change K while it serves.",
    )


class DecayReason(Reason):
    """AcceptanceDecayed stands only while True."""

    DECAYED = (
        "Decayed",
        "Acceptance fell over hours without a change of the traffic's segments, or an engine ended "
        "speculation by its own gate.",
    )


REASONS: dict[ConditionType, type[Reason]] = {
    ConditionType.READY: ReadyReason,
    ConditionType.RECONCILING: ReconcilingReason,
    ConditionType.STALLED: StalledReason,
    ConditionType.PAUSED: PausedReason,
    ConditionType.PAIR_COMPATIBLE: PairReason,
    ConditionType.METRICS_AVAILABLE: MetricsReason,
    ConditionType.SPECULATION_ACTIVE: SpeculationReason,
    ConditionType.ACCEPTANCE_DECAYED: DecayReason,
}
"""The reasons that each type may have."""

ORDER = tuple(ConditionType)


@dataclass(frozen=True)
class Finding:
    """A condition as it is now, without a time."""

    type: ConditionType
    status: ConditionStatus
    reason: Reason
    message: str
