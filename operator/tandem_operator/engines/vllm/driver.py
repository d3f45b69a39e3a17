"""vLLM: what it can do, what of the spec it refuses, and how it is started."""

from dataclasses import replace

from tandem_operator.api.spec import EngineType, ModelRunner, Spec
from tandem_operator.api.status import LiveMode
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.launch import EngineParts, Launch, PodParts
from tandem_operator.engines.interface.pair_validation import PairValidation, Warned
from tandem_operator.engines.pod import container, drain, environment
from tandem_operator.engines.vllm import group
from tandem_operator.engines.vllm.arguments import arguments, command
from tandem_operator.engines.vllm.capability import capabilities_of
from tandem_operator.engines.vllm.depths import Depths, depths_of
from tandem_operator.engines.vllm.facts.methods import METHODS
from tandem_operator.engines.vllm.facts.support import SUPPORT
from tandem_operator.engines.vllm.rules import command_line as command_line_rules
from tandem_operator.engines.vllm.rules import live as live_rules
from tandem_operator.engines.vllm.rules import nodes as node_rules
from tandem_operator.engines.vllm.rules import pair as pair_rules
from tandem_operator.engines.vllm.rules import spec as spec_rules
from tandem_operator.engines.vllm.rules import speculation as speculation_rules
from tandem_operator.engines.vllm.rules import variable as variable_rules
from tandem_operator.engines.vllm.rules.model_files import weight as weight_rules
from tandem_operator.engines.vllm.series import READER
from tandem_runtime.contract import paths, pod_lock
from tandem_runtime.contract.engines import vllm_capabilities
from tandem_runtime.contract.environment import TABLE_FILE
from tandem_runtime.contract.report import PairReport

WORKER_GRACE_S = 30
"""A worker goes once its leader is gone: it has no request to wait for."""


class VllmDriver:
    """The driver of stock vLLM images with the plugin mounted beside."""

    type = EngineType.VLLM
    metrics = READER
    plugin = pod_lock.PLUGIN_VLLM
    support = (SUPPORT,)
    owned_env = (
        *environment.OWNED_EVERYWHERE,
        "VLLM_PLUGINS",
        "VLLM_SERVER_DEV_MODE",
        "VLLM_TARGET_DEVICE",
        "VLLM_USE_RUST_FRONTEND",
        "VLLM_USE_V2_MODEL_RUNNER",
    )

    def validate(self, spec: Spec) -> tuple[FieldError, ...]:
        """What of the spec vLLM cannot do, and what of it is the operator's to set."""
        return (
            *spec_rules.validate(spec),
            *speculation_rules.validate(spec),
            *weight_rules.named(spec),
            *environment.validate(spec, self.owned_env),
            *variable_rules.validate(spec, self.owned_env),
        )

    def validate_pair(self, spec: Spec, report: PairReport) -> PairValidation:
        """What of the locked pair vLLM cannot serve."""
        validation = pair_rules.validate(spec, report)
        return replace(
            validation, refusals=(*validation.refusals, *live_rules.validate(spec, report))
        )

    def warn(self, spec: Spec) -> tuple[Warned, ...]:
        """What of the spec starts under a condition that only the user can see to."""
        return (
            *speculation_rules.warnings(spec),
            *command_line_rules.warnings(spec),
            *variable_rules.warnings(spec),
        )

    def nodes(self, spec: Spec) -> int:
        """Pods of one replica."""
        return node_rules.of(spec)

    def render(self, launch: Launch) -> EngineParts:
        """The pod that serves; deterministic, so that the same launch gives the same bytes."""
        spec = launch.spec
        depths = depths_of(launch)
        main = {
            **container.served(launch, READER.queue),
            "image": spec.engine.image,
            "command": command(),
            "args": [*arguments(launch, depths), *group.of_leader(launch), *spec.engine.args],
            "env": environment.merged(_DEFAULT_ENV, _owned_env(launch, depths), spec),
            "volumeMounts": container.mounts(plugin=True),
        }
        return EngineParts(
            PodParts(main, [], container.POD_HARDENED, drain.GRACE_S), tiers=depths.tiers
        )

    def worker(self, launch: Launch) -> PodParts:
        """A pod with further ranks: the same engine, without the API and without a table, since the
        leader sends K with each step."""
        spec, depths = launch.spec, depths_of(launch)
        env = _owned_env(launch, depths)
        del env[TABLE_FILE]
        main = {
            "name": paths.CONTAINER_MAIN,
            "securityContext": dict(container.HARDENED),
            **container.devices(launch),
            "image": spec.engine.image,
            "command": command(),
            "args": [
                *arguments(launch, depths),
                *group.of_worker(launch),
                *group.without_servers(spec.engine.args),
            ],
            "env": environment.merged(_DEFAULT_ENV, env, spec),
            "volumeMounts": [
                mount
                for mount in container.mounts(plugin=True)
                if mount["name"] != paths.VOLUME_TABLE
            ],
        }
        return PodParts(main, [], container.POD_HARDENED, WORKER_GRACE_S)

    def image_of(self, version: str) -> str | None:
        """vLLM's own image for GPUs."""
        return f"vllm/vllm-openai:v{version}"

    def live_mode(self, spec: Spec) -> LiveMode:
        """What the table of capabilities says; a method that vLLM lacks is refused elsewhere."""
        if spec.speculation.method not in METHODS:
            return LiveMode.ROLLOUT
        return LIVE_MODES[capabilities_of(spec).live]


LIVE_MODES = {
    vllm_capabilities.NATIVE: LiveMode.LOOKUP,
    vllm_capabilities.CUT: LiveMode.TRIM,
    vllm_capabilities.NONE: LiveMode.ROLLOUT,
}

DRIVER = VllmDriver()

_DEFAULT_ENV = {"HOME": "/tmp", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}  # noqa: S108


def _owned_env(launch: Launch, depths: Depths) -> dict[str, str]:
    owned = {
        # The front end that is not Python has none of what the plugin adds to it.
        "VLLM_USE_RUST_FRONTEND": "0",
        "HF_HUB_OFFLINE": "1",
        **container.owned_env(launch, depths.tiers, deepest=depths.started),
    }
    if launch.values.accelerator_resource is None:
        owned["VLLM_TARGET_DEVICE"] = "cpu"
    if launch.spec.engine.model_runner is not None:
        chosen = launch.spec.engine.model_runner is ModelRunner.V2
        owned["VLLM_USE_V2_MODEL_RUNNER"] = "1" if chosen else "0"
    return owned
