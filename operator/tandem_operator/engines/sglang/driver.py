"""The driver of stock SGLang images."""

from tandem_operator.api.spec import EngineType, Spec
from tandem_operator.api.status import LiveMode
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.launch import EngineParts, Launch, PodParts
from tandem_operator.engines.interface.pair_validation import PairValidation, Warned
from tandem_operator.engines.pod import container, drain, environment, start
from tandem_operator.engines.sglang import rules
from tandem_operator.engines.sglang.arguments import SERVER, arguments, depths_of, start_words
from tandem_operator.engines.sglang.series import READER
from tandem_operator.engines.sglang.support import SUPPORT
from tandem_runtime.contract import pod_lock
from tandem_runtime.contract.report import PairReport

DEFAULT_ENV = {"HOME": "/tmp", "DO_NOT_TRACK": "1"}  # noqa: S108 (the container's own)


class SglangDriver:
    """K is that of the start, or SGLang's own choice among the tiers of the start."""

    type = EngineType.SGLANG
    metrics = READER
    support = (SUPPORT,)
    plugin = pod_lock.PLUGIN_START
    owned_env = (*environment.OWNED_EVERYWHERE, "SGLANG_SIMULATE_ACC_*")

    def validate(self, spec: Spec) -> tuple[FieldError, ...]:
        """What of the spec SGLang cannot do, and what of it is the operator's to set."""
        return (*rules.validate(spec), *environment.validate(spec, self.owned_env))

    def validate_pair(self, spec: Spec, report: PairReport) -> PairValidation:
        """Nothing beyond the lock: what SGLang loads of a pair is known to its own start alone."""
        return PairValidation(warnings=self.warn(spec))

    def warn(self, spec: Spec) -> tuple[Warned, ...]:
        """What of the spec acts later than one expects."""
        return rules.warnings(spec)

    def render(self, launch: Launch) -> EngineParts:
        """The pod of one replica; deterministic, so that the same launch gives the same bytes."""
        spec, depths = launch.spec, depths_of(launch)
        owned = {"HF_HUB_OFFLINE": "1", **container.owned_env(launch, depths)}
        main = {
            **container.served(launch, READER.queue),
            "image": spec.engine.image,
            "command": start.command(),
            "args": [*start_words(launch), *SERVER, *arguments(launch), *spec.engine.args],
            "env": environment.merged(DEFAULT_ENV, owned, spec),
            "volumeMounts": container.mounts(plugin=True),
        }
        return EngineParts(PodParts(main, [], container.POD_HARDENED, drain.GRACE_S), tiers=depths)

    def image_of(self, version: str) -> str | None:
        """SGLang's own image for NVIDIA's GPUs."""
        return f"lmsysorg/sglang:v{version}"

    def live_mode(self, spec: Spec) -> LiveMode:
        """No table reaches a running SGLang."""
        return LiveMode.ROLLOUT


DRIVER = SglangDriver()
