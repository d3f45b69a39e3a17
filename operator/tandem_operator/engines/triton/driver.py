"""The driver of a Triton server with the torch engine in its Python backend."""

from typing import Any

from tandem_operator.api.spec import EngineType, Spec
from tandem_operator.api.status import LiveMode
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.launch import Endpoint, EngineParts, Launch, PodParts
from tandem_operator.engines.interface.pair_validation import PairValidation, Warned
from tandem_operator.engines.pod import container, drain, environment
from tandem_operator.engines.torch import driver as torch
from tandem_operator.engines.torch import pair_rules
from tandem_operator.engines.triton import spec_rules
from tandem_operator.engines.triton.support import SUPPORT
from tandem_operator.engines.vllm.series import READER
from tandem_runtime.contract import paths
from tandem_runtime.contract.report import PairReport

GRPC_PORT = 8001
METRICS_PORT = 8002
METRICS = Endpoint("tandem-metrics")
READY, LIVE = "/v2/health/ready", "/v2/health/live"
ACTUATOR_RESOURCES = {
    "requests": {"cpu": "20m", "memory": "96Mi"},
    "limits": {"memory": "256Mi"},
}


class TritonDriver:
    """The driver of the torch engine inside Triton: the engine's rules, Triton's pod."""

    type = EngineType.TORCH
    metrics = READER
    owned_env = environment.OWNED_EVERYWHERE
    plugin = torch.DRIVER.plugin
    support = (SUPPORT,)

    def validate(self, spec: Spec) -> tuple[FieldError, ...]:
        """What of the spec this server or its engine cannot do."""
        return (*spec_rules.validate(spec), *environment.validate(spec, self.owned_env))

    def validate_pair(self, spec: Spec, report: PairReport) -> PairValidation:
        """What of the locked pair the engine cannot serve."""
        return pair_rules.validate(spec, report)

    def warn(self, spec: Spec) -> tuple[Warned, ...]:
        """Nothing: what starts is what one expects."""
        return ()

    def render(self, launch: Launch) -> EngineParts:
        """`main` with Triton, and the actuator beside it unless nothing is drafted."""
        depths = torch.depths_of(launch)
        sidecars = () if launch.without_speculation else (_actuator(launch, depths),)
        main = _main(launch, depths)
        pod = PodParts(main, [], container.POD_HARDENED, drain.GRACE_S, sidecars=sidecars)
        return EngineParts(pod, tiers=depths, metrics=METRICS)

    def image_of(self, version: str) -> str | None:
        """None: nobody publishes one."""
        return None

    def live_mode(self, spec: Spec) -> LiveMode:
        """K is looked up at each step, by the table that the actuator hands over."""
        return LiveMode.LOOKUP


DRIVER = TritonDriver()


def _main(launch: Launch, depths: tuple[int, ...]) -> dict[str, Any]:
    spec = launch.spec
    page = (METRICS_PORT, METRICS.path)
    served = container.served(launch, READER.queue, health=LIVE, ready=READY, page=page)
    ports = {"grpc": GRPC_PORT, METRICS.port: METRICS_PORT}
    more = [{"name": n, "containerPort": port, "protocol": "TCP"} for n, port in ports.items()]
    env = container.owned_env(launch, depths, depths[-1])
    return {
        **served,
        "image": spec.engine.image,
        "command": ["python3", "-m", "tandem_runtime.triton.serve"],
        "args": [*torch.arguments(launch), *spec.engine.args],
        "env": environment.merged(torch.DEFAULT_ENV, env, spec),
        "ports": [*served["ports"], *more],
        # Only the actuator sees the table.
        "volumeMounts": [
            mount for mount in container.mounts(plugin=False) if mount["name"] != paths.VOLUME_TABLE
        ],
    }


def _actuator(launch: Launch, depths: tuple[int, ...]) -> dict[str, Any]:
    """It reaches Triton on the pod's loopback, with the key that Triton's container left in the
    memory that both share."""
    env = {**torch.DEFAULT_ENV, **container.owned_env(launch, depths, depths[-1])}
    wanted = (paths.VOLUME_TABLE, paths.VOLUME_SHM)
    return {
        "name": paths.CONTAINER_ACTUATOR,
        "image": launch.spec.engine.image,
        "command": ["python3", "-m", "tandem_runtime.triton.actuator"],
        "args": [f"--model={launch.values.served_name}", f"--address=127.0.0.1:{GRPC_PORT}"],
        "env": [{"name": name, "value": value} for name, value in env.items()],
        "resources": ACTUATOR_RESOURCES,
        "securityContext": dict(container.HARDENED),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [m for m in container.mounts(plugin=False) if m["name"] in wanted],
    }
