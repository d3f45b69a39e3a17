"""What an engine that this release cannot drive answers."""

from dataclasses import dataclass

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import EngineType, Spec
from tandem_operator.api.status import LiveMode
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.launch import EngineParts, Launch
from tandem_operator.engines.interface.pair_judgement import PairJudgement, Warned
from tandem_operator.engines.interface.support import Support
from tandem_operator.engines.metrics.reader import MetricsReader
from tandem_operator.engines.pod.environment import OWNED_EVERYWHERE
from tandem_runtime.contract import pod_lock
from tandem_runtime.contract.report import PairReport


@dataclass(frozen=True)
class UnsupportedDriver:
    """A driver that refuses everything, and says what works instead."""

    type: EngineType
    metrics: MetricsReader
    owned_env: tuple[str, ...] = OWNED_EVERYWHERE
    plugin: str = pod_lock.NO_PLUGIN
    support: tuple[Support, ...] = ()

    def validate(self, spec: Spec) -> tuple[FieldError, ...]:
        """One refusal, whatever the spec."""
        return (
            FieldError(
                StalledReason.UNSUPPORTED_ENGINE,
                "spec.engine.type",
                spec.engine.type.value,
                "this release cannot drive this engine",
                "use engine.type: vLLM with a vLLM image of 0.18 or later",
            ),
        )

    def judge_pair(self, spec: Spec, report: PairReport) -> PairJudgement:
        """As `validate`."""
        return PairJudgement(self.validate(spec))

    def warn(self, spec: Spec) -> tuple[Warned, ...]:
        """Nothing: all of it is refused."""
        return ()

    def render(self, launch: Launch) -> EngineParts:
        """Never reached by a judged spec. Raises ValueError with the refusal."""
        raise ValueError(str(self.validate(launch.spec)[0]))

    def image_of(self, version: str) -> str | None:
        """None: nothing is started."""
        return None

    def live_mode(self, spec: Spec) -> LiveMode:
        """K could change by a rollout only."""
        return LiveMode.ROLLOUT
