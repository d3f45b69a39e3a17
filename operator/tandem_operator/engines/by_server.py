"""An engine that is served by itself or by Triton: which of two drivers a spec is for."""

from dataclasses import dataclass

from tandem_operator.api import defaults
from tandem_operator.api.spec import EngineServer, EngineType, Spec
from tandem_operator.api.status import LiveMode
from tandem_operator.engines.interface.driver import Driver, StopsDrafting
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.launch import EngineParts, Launch
from tandem_operator.engines.interface.pair_validation import PairValidation, Warned
from tandem_operator.engines.interface.support import Support
from tandem_operator.engines.metrics.reader import MetricsReader
from tandem_runtime.contract.report import PairReport


@dataclass(frozen=True)
class ByServer:
    """Two drivers of one engine, whose page and owned variables are the same under both servers."""

    native: Driver
    triton: Driver

    @property
    def type(self) -> EngineType:
        return self.native.type

    @property
    def metrics(self) -> MetricsReader:
        return self.native.metrics

    @property
    def plugin(self) -> str:
        return self.native.plugin

    @property
    def support(self) -> tuple[Support, ...]:
        return (*self.native.support, *self.triton.support)

    @property
    def owned_env(self) -> tuple[str, ...]:
        return self.native.owned_env

    def validate(self, spec: Spec) -> tuple[FieldError, ...]:
        """What the asked server's driver refuses."""
        return self._of(spec).validate(spec)

    def validate_pair(self, spec: Spec, report: PairReport) -> PairValidation:
        """What the asked server's driver refuses of the pair."""
        return self._of(spec).validate_pair(spec, report)

    def warn(self, spec: Spec) -> tuple[Warned, ...]:
        """What the asked server's driver warns of."""
        return self._of(spec).warn(spec)

    def render(self, launch: Launch) -> EngineParts:
        """The pod's parts with the asked server."""
        return self._of(launch.spec).render(launch)

    def image_of(self, version: str) -> str | None:
        """The image of the engine by itself; Triton's is the user's to build."""
        return self.native.image_of(version)

    def live_mode(self, spec: Spec) -> LiveMode:
        """How K reaches the engine in the asked server."""
        return self._of(spec).live_mode(spec)

    def stops_drafting(self, spec: Spec) -> bool:
        """Whether the engine in the asked server may end speculation by itself."""
        asked = self._of(spec)
        return isinstance(asked, StopsDrafting) and asked.stops_drafting(spec)

    def _of(self, spec: Spec) -> Driver:
        asked = defaults.engine_server(spec)
        return self.triton if asked is EngineServer.TRITON else self.native
