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
    """What starts a new reconciliation, besides a new spec and `tandem.dev/refresh`."""

    SPEC = "spec"
    OBJECT = "an object's event"
    TIMER = "a check every 10 minutes"


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
    SCALED_TO_ZERO = "ScaledToZero", "spec.replicas is 0, and no pod runs."
    LOCK_PENDING = "LockPending", "The pair is not locked yet, so nothing is started."
    STARTING = "Starting", "The first replica of a locked pair is starting."
    PAIR_REJECTED = "PairRejected", "The lock rejects the pair, and no earlier pair serves."
    WORKLOAD_FAILED = "WorkloadFailed", "Pods cannot be created, or none of them can become ready."


class ReconcilingReason(Reason):
    """Never together with Stalled."""

    LOCKING = "Locking", "A lock Job inspects the pair."
    ROLLING_OUT = "RollingOut", "Pods of a new revision replace those of the old one."
    WAITING_FOR_DELETION = (
        "WaitingForDeletion",
        "An object of the wanted name is still terminating or belongs to an earlier owner.",
    )
    RETRYING = (
        "Retrying",
        "A write failed and is tried again: a webhook or the API server is unavailable.",
    )


class StalledReason(Reason):
    """Lasts until its cause ends."""

    PAIR_REJECTED = "PairRejected", "The lock rejects the pair under the policy."
    INVALID_TEMPLATE = (
        "InvalidTemplate",
        "spec.template sets something that the operator owns, or the API server rejects the "
        "result.",
        Trigger.OBJECT,
    )
    INVALID_ARGUMENTS = (
        "InvalidArguments",
        "engine.args, engine.env or speculation.engineConfig set something that the operator owns.",
    )
    UNSUPPORTED_ENGINE = "UnsupportedEngine", "This release does not support the engine."
    UNSUPPORTED_COMBINATION = (
        "UnsupportedCombination",
        "The engine does not support this method, source or setting.",
    )
    NAME_CONFLICT = (
        "NameConflict",
        "An object with the name of a child belongs to someone else; it is never taken over.",
        Trigger.OBJECT,
    )
    PROGRESS_DEADLINE_EXCEEDED = (
        "ProgressDeadlineExceeded",
        "A rollout made no progress for progressDeadlineSeconds.",
        Trigger.OBJECT,
    )
    MODEL_NOT_FOUND = "ModelNotFound", "The source or revision does not exist.", Trigger.TIMER
    ACCESS_DENIED = "AccessDenied", "The source rejects the credentials.", Trigger.TIMER
    CONTENT_CHANGED = (
        "ContentChanged",
        "Files differ from those that were locked for the same revision.",
        Trigger.TIMER,
    )
    INSUFFICIENT_MEMORY = (
        "InsufficientMemory",
        "Target and draft do not fit into the memory of the accelerators.",
    )
    LOCK_FAILED = "LockFailed", "The lock Job could not inspect the pair.", Trigger.TIMER
    MISSING_KIND = (
        "MissingKind",
        "The cluster does not serve a kind that the replicas need, or the operator may not see it.",
        Trigger.OBJECT,
    )
    WATCH_REFUSED = (
        "WatchRefused",
        "The operator may not watch a kind in this namespace, so it changes nothing there.",
        Trigger.OBJECT,
    )


class PausedReason(Reason):
    """The user has paused the resource."""

    BY_USER = "ByUser", "spec.paused is true: nothing is written to the children."


class PairReason(Reason):
    """About the candidate if there is one, else about the pair that serves."""

    EQUAL = "Equal", "All ids, special ids and encoder rules agree."
    PADDED_VOCAB = "PaddedVocab", "Same tokenizer; the configured vocabulary sizes are padded."
    TEMPLATE_DIFFERS = "TemplateDiffers", "Same tokenizer, but the chat templates differ."
    TARGET_EXTRA = "TargetExtra", "The target has more ids, all at the end."
    ENCODER_DIFFERS = "EncoderDiffers", "Same ids, but the tokenizers split text differently."
    MERGES_DIFFER = "MergesDiffer", "Same ids, but the merges differ, so acceptance may drop."
    SPECIALS_DIFFER = "SpecialsDiffer", "Same ids, but the special ids differ."
    RESERVED_RENAMED = "ReservedRenamed", "Only reserved, unused tokens have different names."
    PICKLE_WEIGHTS = "PickleWeights", "Weights are pickle files, which can run code when loaded."
    VOCAB_SIZE_TOO_SMALL = (
        "VocabSizeTooSmall",
        "The configured vocabulary size is below the tokenizer's highest id.",
    )
    DECLARED_TARGET = "DeclaredTarget", "The head declares this target."
    NO_DRAFT = "NoDraft", "The method has no draft; only the target is locked."
    SKIPPED = "Skipped", "Policy Skip: the pair was read but not judged."
    IDS_DIFFER = "IdsDiffer", "The same id stands for different bytes."
    DRAFT_LARGER = "DraftLarger", "The draft has ids that the target lacks."
    DRAFT_KIND_DIFFERS = (
        "DraftKindDiffers",
        "The draft is made for another method, or its kind is unknown.",
    )
    NOT_A_MODEL = "NotAModel", "The folder contains an adapter or a head, not a complete model."
    WEIGHTS_MISSING = (
        "WeightsMissing",
        "Weights that the model declares are missing from the files.",
    )
    DECLARED_TARGET_DIFFERS = "DeclaredTargetDiffers", "The head declares another target."
    NOT_ALLOWED_BY_POLICY = (
        "NotAllowedByPolicy",
        "tokenizerLock.policy does not allow a pair with this verdict.",
    )
    MALFORMED = "Malformed", "Tokenizer or configuration cannot be read."
    TOO_LARGE = "TooLarge", "A file exceeds the size that the lock reads."
    SYMLINK_ESCAPE = "SymlinkEscape", "A symbolic link points outside the repository."
    REMOTE_CODE = "RemoteCode", "The repository contains code that would be run."
    NO_TOKENIZER = "NoTokenizer", "A tokenizer is required and was not found."
    DIGEST_MISMATCH = (
        "DigestMismatch",
        "The fingerprint of the target's tokenizer is not tokenizerLock.digest.",
    )
    CONTENT_CHANGED = "ContentChanged", "Files changed while they were inspected."
    LOCK_PENDING = "LockPending", "The lock has not reported yet."
    LOCK_FAILED = "LockFailed", "The lock could not inspect the pair."


class MetricsReason(Reason):
    """Whether the tuner has current metrics to base decisions on."""

    SCRAPED = "Scraped", "Every ready replica was scraped in the last interval."
    NO_TRAFFIC = "NoTraffic", "Replicas were scraped, and no request ran."
    UNREACHABLE = "Unreachable", "No replica answers."
    MALFORMED = "Malformed", "The response is not a metrics page, or its counters are impossible."
    STALE = "Stale", "The newest metrics are older than 3 scrape intervals."


class SpeculationReason(Reason):
    """Keeps its value when metrics are lost."""

    TUNED = "Tuned", "K follows the traffic."
    INITIAL = (
        "Initial",
        "Nothing is decided yet; K is speculation.initialTokens, or where a new K is a rollout "
        "speculation.maxTokens.",
    )
    FIXED = "Fixed", "tuning.mode is Fixed; K is speculation.initialTokens."
    OBSERVING = "Observing", "tuning.mode is Observe: decisions are recorded but not applied."
    ACCEPTANCE_BELOW_THRESHOLD = (
        "AcceptanceBelowThreshold",
        "Acceptance was below minAcceptanceRatePercent for forSeconds.",
    )
    CONCURRENCY_ABOVE_THRESHOLD = (
        "ConcurrencyAboveThreshold",
        "More requests are running than maxConcurrency allows.",
    )
    NOT_PROFITABLE = "NotProfitable", "Measurements show that speculation costs more than it gains."
    KILL_SWITCH = "KillSwitch", "tuning.maxTokens is 0."
    REMOVED_BY_ROLLOUT = "RemovedByRollout", "Pods run without the draft (offMode Redeploy)."
    BYPASS_UNAVAILABLE = (
        "BypassUnavailable",
        "Constrained requests must bypass speculation, but the plugin does not report.",
    )
    PLUGIN_DISABLED = (
        "PluginDisabled",
        "The plugin disabled itself or was never loaded; the message says why.",
    )
    NOT_LIVE = (
        "NotLive",
        "This engine cannot change K while it serves; every step drafts the same number of tokens.",
    )


class DecayReason(Reason):
    """Acceptance has fallen over hours."""

    DECAYED = (
        "Decayed",
        "Acceptance fell over hours although load and traffic segments stayed the same, or the "
        "engine ended speculation by itself.",
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
class NewCondition:
    """A condition as it is now, without a time."""

    type: ConditionType
    status: ConditionStatus
    reason: Reason
    message: str
