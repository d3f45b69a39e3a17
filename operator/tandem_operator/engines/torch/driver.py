"""The driver of the project's own engine, whose image the chart brings."""

from tandem_operator.api.spec import EngineType, Spec
from tandem_operator.api.status import LiveMode
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.launch import EngineParts, Launch, PodParts
from tandem_operator.engines.interface.pair_validation import PairValidation, Warned
from tandem_operator.engines.pod import container, drain, environment
from tandem_operator.engines.torch import pair_rules, spec_rules
from tandem_operator.engines.torch.methods import METHODS
from tandem_operator.engines.torch.support import SUPPORT

# The engine's page is in vLLM's words.
from tandem_operator.engines.vllm.series import READER
from tandem_runtime.contract import paths, pod_lock
from tandem_runtime.contract.report import PairReport

DEFAULT_ENV = {"HOME": "/tmp"}  # noqa: S108 (the container's own)


class TorchDriver:
    """The driver of the torch engine."""

    type = EngineType.TORCH
    metrics = READER
    owned_env = environment.OWNED_EVERYWHERE
    # It loads none; taking the copy away would roll pods for nothing.
    plugin = pod_lock.PLUGIN_VLLM
    support = (SUPPORT,)

    def validate(self, spec: Spec) -> tuple[FieldError, ...]:
        """What of the spec this engine cannot do, and what of it is the operator's to set."""
        return (*spec_rules.validate(spec), *environment.validate(spec, self.owned_env))

    def validate_pair(self, spec: Spec, report: PairReport) -> PairValidation:
        """What of the locked pair this engine cannot serve."""
        return pair_rules.validate(spec, report)

    def warn(self, spec: Spec) -> tuple[Warned, ...]:
        """Nothing: what starts is what one expects."""
        return ()

    def render(self, launch: Launch) -> EngineParts:
        """The pod of one replica; deterministic, so that the same launch gives the same bytes."""
        spec = launch.spec
        depths = depths_of(launch)
        main = {
            **container.served(launch, READER.queue, ready="/ready"),
            "image": spec.engine.image or launch.installation.torch_image,
            "command": ["tandem-engine"],
            "args": [*arguments(launch), *spec.engine.args],
            "env": environment.merged(DEFAULT_ENV, container.owned_env(launch, depths), spec),
            "volumeMounts": container.mounts(plugin=False),
        }
        return EngineParts(
            PodParts(main, [], container.POD_HARDENED, drain.GRACE_S),
            tiers=depths,
        )

    def image_of(self, version: str) -> str | None:
        """None: the chart brings it."""
        return None

    def live_mode(self, spec: Spec) -> LiveMode:
        """K is looked up at each step, whatever the method."""
        return LiveMode.LOOKUP


DRIVER = TorchDriver()


def depths_of(launch: Launch) -> tuple[int, ...]:
    """It captures no graphs, so every depth costs what it costs and none must be left out."""
    deepest = 0 if launch.without_speculation else launch.spec.speculation.max_tokens
    return tuple(range(deepest + 1))


def arguments(launch: Launch) -> list[str]:
    """The engine's command line but for the user's own options."""
    spec, speculation = launch.spec, launch.spec.speculation
    words = [
        paths.TARGET,
        f"--served-model-name={launch.values.served_name}",
        "--host=0.0.0.0",
        f"--port={container.PORT}",
    ]
    if launch.values.accelerator_resource is not None:
        words.append("--device=cuda")
    if launch.without_speculation:
        return words
    words += [
        f"--method={METHODS[speculation.method]}",
        f"--num-speculative-tokens={speculation.max_tokens}",
        f"--initial-tokens={launch.values.initial_tokens}",
    ]
    if spec.draft is not None:
        words.append(f"--draft={paths.DRAFT}")
    if speculation.layer_skip is not None:
        words.append(f"--exit-layer={speculation.layer_skip.exit_layer}")
    if speculation.n_gram is not None:
        if speculation.n_gram.min_lookup is not None:
            words.append(f"--prompt-lookup-min={speculation.n_gram.min_lookup}")
        if speculation.n_gram.max_lookup is not None:
            words.append(f"--prompt-lookup-max={speculation.n_gram.max_lookup}")
    return words
