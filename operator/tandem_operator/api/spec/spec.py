"""The whole of `spec`."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from tandem_operator.api.fields import LIVE, Preserved, Rule, SpecModel
from tandem_operator.api.spec.accelerator import Accelerator, ModelCache, Parallelism
from tandem_operator.api.spec.common_metadata import CommonMetadata
from tandem_operator.api.spec.engine import Engine, ObjectName
from tandem_operator.api.spec.lock import TokenizerLock
from tandem_operator.api.spec.model_source import ModelSource, TargetSource
from tandem_operator.api.spec.rollout import Rollout
from tandem_operator.api.spec.speculation import (
    MAY_BE_DECLARED,
    NEED_A_DRAFT,
    TAKE_A_DRAFT,
    Speculation,
)
from tandem_operator.api.spec.tuning import Tuning


class Spec(SpecModel):
    """The desired state: a pair, an engine, and how K may change."""

    replicas: Annotated[
        int,
        LIVE,
        Field(
            ge=0,
            le=1000,
            description=(
                "Engine replicas; the target of /scale. The operator never writes it, so an "
                "autoscaler may."
            ),
            examples=[2],
        ),
    ] = 1
    target: Annotated[TargetSource, Field(description="The model that is served.")]
    draft: Annotated[
        ModelSource | None,
        Field(
            description=(
                "The model or head that drafts. Required for DraftModel, Eagle, Eagle3 and "
                "Medusa, forbidden for the other methods."
            ),
        ),
    ] = None
    speculation: Annotated[Speculation, Field(description="How tokens are drafted.")]
    tokenizer_lock: Annotated[
        TokenizerLock, Field(description="What must agree before anything is started.")
    ] = TokenizerLock()
    engine: Annotated[Engine, Field(description="The serving engine.")]
    accelerator: Annotated[Accelerator, Field(description="Devices of one engine container.")] = (
        Accelerator()
    )
    parallelism: Annotated[Parallelism, Field(description="How the target is split.")] = (
        Parallelism()
    )
    model_cache: Annotated[ModelCache, Field(description="Where fetched files are stored.")] = (
        ModelCache()
    )
    image_pull_secrets: Annotated[
        tuple[ObjectName, ...],
        Field(
            max_length=16,
            description=(
                "Names of pull Secrets of this namespace, for engine pods and the lock Job."
            ),
            examples=[["registry"]],
        ),
    ] = ()
    service_account_name: Annotated[
        ObjectName | None,
        Field(
            description=(
                "Service account of engine pods and the lock Job; its token is not mounted."
            ),
            examples=["serving"],
        ),
    ] = None
    rollout: Annotated[Rollout, Field(description="Bounds of a rollout.")] = Rollout()
    template: Annotated[
        dict[str, Any] | None,
        Preserved(),
        Field(
            description=(
                "A pod template, merged over the operator's own like server-side apply: maps "
                "deeply, lists with published keys by key, other lists replaced, null refused. "
                "Container `main` is the engine. Refused: names `tandem-*`; main's command, args "
                "and owned variables; mounts over the operator's paths; restartPolicy; "
                "shareProcessNamespace; labels `tandem.dev/*` and "
                "`app.kubernetes.io/{name,instance,managed-by}`."
            ),
            examples=[{"spec": {"nodeSelector": {"gpu": "h100"}}}],
        ),
    ] = None
    common_metadata: Annotated[
        CommonMetadata,
        LIVE,
        Field(description="Labels and annotations of all objects that are made for the resource."),
    ] = CommonMetadata()
    tuning: Annotated[Tuning, LIVE, Field(description="How K follows the traffic.")] = Tuning()
    progress_deadline_seconds: Annotated[
        int,
        Field(
            ge=1,
            le=86_400,
            description="Seconds without progress after which a rollout is Stalled.",
            examples=[3600],
        ),
    ] = 3600
    min_ready_seconds: Annotated[
        int,
        Field(
            ge=0,
            le=3600,
            description="Seconds for which a new pod must be ready before it counts as available.",
            examples=[10],
        ),
    ] = 0
    paused: Annotated[
        bool,
        LIVE,
        Field(
            description=(
                "Write nothing to the children; status and observedGeneration are still updated."
            ),
            examples=[True],
        ),
    ] = False

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            f"has(self.draft) || !(self.speculation.method in {NEED_A_DRAFT})",
            "draft is required for method {self.speculation.method}: add draft.uri, or choose a "
            "method without a draft (NGram, MTP)",
            ".draft",
        ),
        Rule(
            f"!has(self.draft) || self.speculation.method in {TAKE_A_DRAFT}",
            "draft is forbidden for method {self.speculation.method}: remove draft, or choose a "
            "method with a draft (DraftModel, Eagle3)",
            ".draft",
        ),
        Rule(
            "self.tuning.minTokens <= self.speculation.maxTokens",
            "tuning.minTokens {self.tuning.minTokens} is above speculation.maxTokens "
            "{self.speculation.maxTokens}: lower tuning.minTokens or raise speculation.maxTokens",
            ".tuning",
        ),
        Rule(
            "!has(self.tuning.maxTokens) || self.tuning.maxTokens <= self.speculation.maxTokens",
            "tuning.maxTokens {self.tuning.maxTokens} is above speculation.maxTokens "
            "{self.speculation.maxTokens}: lower tuning.maxTokens or raise speculation.maxTokens",
            ".tuning",
        ),
        Rule(
            "!has(self.tuning.segments) "
            "|| self.tuning.segments.all(s, s.maxTokens <= self.speculation.maxTokens)",
            "maxTokens {self.tuning.segments.filter(s, s.maxTokens > "
            "self.speculation.maxTokens)[0].maxTokens} of segment "
            "{self.tuning.segments.filter(s, s.maxTokens > self.speculation.maxTokens)[0].name} "
            "is above speculation.maxTokens {self.speculation.maxTokens}: lower it or raise "
            "speculation.maxTokens",
            ".tuning",
        ),
        Rule(
            "!has(self.tokenizerLock.policy) || self.tokenizerLock.policy != 'TargetDeclared' "
            f"|| self.speculation.method in {MAY_BE_DECLARED}",
            "tokenizerLock.policy TargetDeclared judges heads (Eagle, Eagle3, MTP, Medusa, "
            "DFlash, DSpark), not {self.speculation.method}: choose SameVocabulary",
            ".tokenizerLock",
        ),
        Rule(
            "!has(self.tokenizerLock.attestedTarget) "
            f"|| self.speculation.method in {MAY_BE_DECLARED}",
            "tokenizerLock.attestedTarget is for heads (Eagle, Eagle3, MTP, Medusa, DFlash, "
            "DSpark), not {self.speculation.method}: remove it",
            ".tokenizerLock",
        ),
        Rule(
            "!(string(self.rollout.maxUnavailable) in ['0', '0%'] "
            "&& string(self.rollout.maxSurge) in ['0', '0%'])",
            "rollout.maxUnavailable and rollout.maxSurge are both 0: no rollout could move, "
            "raise one",
            ".rollout",
        ),
        Rule(
            "self.minReadySeconds < self.progressDeadlineSeconds",
            "minReadySeconds {self.minReadySeconds} is not below progressDeadlineSeconds "
            "{self.progressDeadlineSeconds}: no rollout would end in time; lower minReadySeconds "
            "or raise progressDeadlineSeconds",
            ".minReadySeconds",
        ),
    )
