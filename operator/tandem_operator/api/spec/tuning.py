"""How K follows the traffic. Every field here is live."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from tandem_operator.api.fields import LIVE, Explained, ListMap, Rule, SpecModel


class TuningMode(StrEnum):
    """Who decides K."""

    AUTO = "Auto"
    OBSERVE = "Observe"
    FIXED = "Fixed"


class TuningPolicy(StrEnum):
    """What a decision weighs."""

    GOODPUT = "Goodput"
    THRESHOLDS = "Thresholds"


class OffMode(StrEnum):
    """What off means."""

    IDLE = "Idle"
    REDEPLOY = "Redeploy"


class OnDecay(StrEnum):
    """What happens when acceptance decays over hours."""

    REPORT = "Report"
    RESTART = "Restart"
    REDEPLOY = "Redeploy"


class Thresholds(SpecModel):
    """The user's guardrails; they always win."""

    min_acceptance_rate_percent: Annotated[
        int | None,
        LIVE,
        Field(
            ge=0,
            le=100,
            description=(
                "Speculation goes off if the acceptance rate is below this for `forSeconds`. "
                "The rate is "
                "accepted / (accepted + drafts that ended in "
                "a rejection); it does not depend on K. Absent: no such guardrail."
            ),
            examples=[40],
        ),
    ] = None
    max_concurrency: Annotated[
        int | None,
        LIVE,
        Field(
            ge=1,
            le=4096,
            description=(
                "K is 0, at once, while a replica runs more requests than this. Absent: no "
                "such guardrail."
            ),
            examples=[64],
        ),
    ] = None
    for_seconds: Annotated[
        int,
        LIVE,
        Field(
            ge=10,
            le=3600,
            description="How long acceptance must be below its threshold.",
            examples=[60],
        ),
    ] = 60


class Objective(SpecModel):
    """Service level objectives, as means over a window; a K that violates one is not chosen."""

    time_per_output_token_ms: Annotated[
        int | None,
        LIVE,
        Field(
            ge=1,
            le=600_000,
            description="Mean time per output token, in milliseconds. Absent: no such objective.",
            examples=[40],
        ),
    ] = None
    time_to_first_token_ms: Annotated[
        int | None,
        LIVE,
        Field(
            ge=1,
            le=3_600_000,
            description="Mean time to the first token, in milliseconds. Absent: no such objective.",
            examples=[500],
        ),
    ] = None


class TuningSegment(SpecModel):
    """One kind of traffic: counted by itself, and capped."""

    name: Annotated[
        str,
        Explained("{self} is no name of a segment: use lower-case letters, digits and '-'"),
        Field(
            min_length=1,
            max_length=32,
            pattern=r"^[a-z0-9-]{1,32}$",
            description="Name that requests carry as `tandem_segment`.",
            examples=["creative"],
        ),
        LIVE,
    ]
    max_tokens: Annotated[
        int,
        LIVE,
        Field(
            ge=0,
            le=32,
            description="Deepest K for these requests; `speculation.maxTokens` caps nothing.",
            examples=[2],
        ),
    ]


class Tuning(SpecModel):
    """Mode, policy, bounds and guardrails."""

    mode: Annotated[
        TuningMode,
        LIVE,
        Field(
            description=(
                "`Auto` tunes K: while pods serve, or by a rollout at most every few hours where "
                "the engine keeps its K (`status.speculation.liveMode`). `Observe` records what "
                "it would do. `Fixed` keeps `speculation.initialTokens`."
            ),
            examples=["Observe"],
        ),
    ] = TuningMode.AUTO
    policy: Annotated[
        TuningPolicy,
        LIVE,
        Field(
            description=(
                "`Goodput`: guardrails and measured step times. `Thresholds`: the guardrails alone."
            ),
            examples=["Goodput"],
        ),
    ] = TuningPolicy.GOODPUT
    min_tokens: Annotated[
        int,
        LIVE,
        Field(
            ge=0,
            le=32,
            description="Lowest K while speculation is active; guardrails may still choose 0.",
            examples=[1],
        ),
    ] = 0
    max_tokens: Annotated[
        int | None,
        LIVE,
        Field(
            ge=0,
            le=32,
            description=(
                "Highest K that tuning may choose; absent means `speculation.maxTokens`. 0 is the "
                "kill switch: speculation goes off at once, without a rollout."
            ),
            examples=[5],
        ),
    ] = None
    thresholds: Annotated[Thresholds, LIVE, Field(description="Guardrails.")] = Thresholds()
    objective: Annotated[Objective, LIVE, Field(description="Service level objectives.")] = (
        Objective()
    )
    segments: Annotated[
        tuple[TuningSegment, ...],
        LIVE,
        ListMap("name"),
        Field(
            max_length=16,
            description=(
                "Traffic by segment: acceptance is counted for each name, and K is capped at its "
                "`maxTokens`, taken down to a depth that the engine was started with. Requests of "
                "other names are counted as `other` and have no cap."
            ),
            examples=[[{"name": "creative", "maxTokens": 2}]],
        ),
    ] = ()
    stabilization_seconds: Annotated[
        int,
        LIVE,
        Field(
            ge=0,
            le=3600,
            description=(
                "K does not rise, and speculation does not turn on, within this many seconds of "
                "the start or of the last lowering. Lowering K and turning off never wait."
            ),
            examples=[30],
        ),
    ] = 30
    off_mode: Annotated[
        OffMode,
        LIVE,
        Field(
            description=(
                "`Idle`: off means K=0. `Redeploy`: after 10 minutes off, roll out without the "
                "draft, which frees its memory; when the load is worth a draft again, one canary "
                "pod tries it first. Only with `mode: Auto`."
            ),
            examples=["Idle"],
        ),
    ] = OffMode.IDLE
    on_decay: Annotated[
        OnDecay,
        LIVE,
        Field(
            description=(
                "What to do if acceptance decays over hours at the same load, or the engine ends "
                "speculation by itself (TensorRT-LLM). `Report`: only the "
                "condition AcceptanceDecayed says so. `Restart`: also replace the pods, "
                "at most once in 6 hours, unless `mode` is `Observe`. `Redeploy`: roll out "
                "without the draft, with `mode: Auto`."
            ),
            examples=["Report"],
        ),
    ] = OnDecay.REPORT

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.maxTokens) || self.maxTokens == 0 || self.minTokens <= self.maxTokens",
            "minTokens {self.minTokens} is above maxTokens {self.maxTokens}: lower minTokens or "
            "raise maxTokens",
            ".minTokens",
        ),
    )
