"""The driver of AWS's images of vLLM for Trainium."""

import json

from tandem_operator.api.spec import EngineType, Spec
from tandem_operator.api.status import LiveMode
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.launch import EngineParts, Launch, PodParts
from tandem_operator.engines.interface.pair_validation import PairValidation, Warned
from tandem_operator.engines.neuron import rules
from tandem_operator.engines.neuron.methods import METHODS
from tandem_operator.engines.neuron.support import SUPPORT
from tandem_operator.engines.pod import container, drain, environment, start

# The engine is vLLM, and so is its page.
from tandem_operator.engines.vllm.series import READER
from tandem_runtime.contract import paths, pod_lock
from tandem_runtime.contract.report import PairReport

DEFAULT_ENV = {"HOME": "/tmp", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}  # noqa: S108


class NeuronDriver:
    """K is compiled into the programs of a start."""

    type = EngineType.NEURON
    metrics = READER
    support = (SUPPORT,)
    plugin = pod_lock.PLUGIN_START
    owned_env = (*environment.OWNED_EVERYWHERE, "VLLM_SERVER_DEV_MODE", "VLLM_USE_RUST_FRONTEND")

    def validate(self, spec: Spec) -> tuple[FieldError, ...]:
        """What of the spec Neuron cannot do, and what of it is the operator's to set."""
        return (*rules.validate(spec), *environment.validate(spec, self.owned_env))

    def validate_pair(self, spec: Spec, report: PairReport) -> PairValidation:
        """Nothing beyond the lock: which models AWS's plugin has is known to its image alone."""
        return PairValidation()

    def warn(self, spec: Spec) -> tuple[Warned, ...]:
        """Nothing: what starts is what one expects."""
        return ()

    def render(self, launch: Launch) -> EngineParts:
        """The pod of one replica; deterministic, so that the same launch gives the same bytes."""
        spec = launch.spec
        depths = (0,) if launch.without_speculation else (spec.speculation.max_tokens,)
        owned = {"HF_HUB_OFFLINE": "1", **container.owned_env(launch, depths)}
        main = {
            **container.served(launch, READER.queue),
            "image": spec.engine.image,
            "command": start.command(),
            "args": ["--", "vllm", "serve", *_arguments(launch), *spec.engine.args],
            "env": environment.merged(DEFAULT_ENV, owned, spec),
            "volumeMounts": container.mounts(plugin=True),
        }
        return EngineParts(PodParts(main, [], container.POD_HARDENED, drain.GRACE_S), tiers=depths)

    def image_of(self, version: str) -> str | None:
        """None: AWS's tags name Python, SDK and Ubuntu too."""
        return None

    def live_mode(self, spec: Spec) -> LiveMode:
        """A new K is a new compilation."""
        return LiveMode.ROLLOUT


DRIVER = NeuronDriver()


def _arguments(launch: Launch) -> list[str]:
    spec, speculation = launch.spec, launch.spec.speculation
    words = [
        paths.TARGET,
        f"--served-model-name={launch.values.served_name}",
        "--host=0.0.0.0",
        f"--port={container.PORT}",
    ]
    if spec.parallelism.tensor > 1:
        words.append(f"--tensor-parallel-size={spec.parallelism.tensor}")
    if spec.tokenizer_lock.allow_remote_code:
        words.append("--trust-remote-code")
    if launch.without_speculation:
        return words
    config = {
        "method": METHODS[speculation.method],
        "model": paths.DRAFT,
        "num_speculative_tokens": speculation.max_tokens,
    }
    return [*words, f"--speculative-config={json.dumps(config)}"]
