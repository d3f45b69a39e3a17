"""What every engine's file offers."""

from typing import Protocol, runtime_checkable

from tandem_operator.api.spec import EngineType, Spec
from tandem_operator.api.status import LiveMode
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.launch import EngineParts, Launch
from tandem_operator.engines.interface.pair_validation import PairValidation, Warned
from tandem_operator.engines.interface.support import Support
from tandem_operator.engines.metrics.reader import MetricsReader
from tandem_runtime.contract.report import PairReport


class Driver(Protocol):
    """One engine: judged before anything is made, rendered once a pair is locked."""

    @property
    def type(self) -> EngineType: ...

    @property
    def metrics(self) -> MetricsReader: ...

    @property
    def plugin(self) -> str:
        """What `tandem-fetch` installs for it, in the pod lock's words."""
        ...

    @property
    def support(self) -> tuple[Support, ...]:
        """What docs/support.md says of it, once for each server."""
        ...

    @property
    def owned_env(self) -> tuple[str, ...]: ...

    def validate(self, spec: Spec) -> tuple[FieldError, ...]:
        """What of the spec this engine cannot do; empty when all of it works."""
        ...

    def validate_pair(self, spec: Spec, report: PairReport) -> PairValidation:
        """What the files of the pair rule out that the spec alone did not show."""
        ...

    def warn(self, spec: Spec) -> tuple[Warned, ...]:
        """What of the spec starts under a condition that only the user can see to."""
        ...

    def render(self, launch: Launch) -> EngineParts:
        """The engine's pods and what is its own of them: same launch, same bytes."""
        ...

    def image_of(self, version: str) -> str | None:
        """The image that is published under a version; None where the spec needs to name none."""
        ...

    def live_mode(self, spec: Spec) -> LiveMode:
        """How K reaches a running engine of this spec, until its plugin reports otherwise."""
        ...


@runtime_checkable
class StopsDrafting(Protocol):
    """What a driver offers beside, whose engine may end speculation for good by itself."""

    def stops_drafting(self, spec: Spec) -> bool:
        """Whether it may, as the spec is."""
        ...
