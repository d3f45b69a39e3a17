"""The driver of a Triton server with the torch engine in its Python backend."""

from typing import Any

from tandem_operator.api.spec import EngineType, Spec
from tandem_operator.api.status import LiveMode
from tandem_operator.engines import drain, environment
from tandem_operator.engines.field_error import FieldError
from tandem_operator.engines.launch import Launch, PodParts
from tandem_operator.engines.pair_judgement import PairJudgement, Warned
from tandem_operator.engines.torch import driver as torch
from tandem_operator.engines.torch import pair_rules
from tandem_operator.engines.triton import spec_rules
from tandem_operator.engines.vllm.series import SERIES
from tandem_runtime.contract import paths
from tandem_runtime.contract.report import PairReport

GRPC_PORT = 8001
METRICS_PORT = 8002
PROBE_PERIOD_S = 5
GAUGES = ("vllm:num_requests_running", "vllm:num_requests_waiting")
ACTUATOR_RESOURCES = {
    "requests": {"cpu": "20m", "memory": "96Mi"},
    "limits": {"memory": "256Mi"},
}


class TritonDriver:
    """The driver of the torch engine inside Triton: the engine's rules, Triton's pod."""

    type = EngineType.TORCH
    series = SERIES
    owned_env = environment.OWNED_EVERYWHERE

    def judge(self, spec: Spec) -> tuple[FieldError, ...]:
        """What of the spec this server or its engine cannot do."""
        return (*spec_rules.judge(spec), *environment.judge(spec, self.owned_env))

    def judge_pair(self, spec: Spec, report: PairReport) -> PairJudgement:
        """What of the locked pair the engine cannot serve."""
        return pair_rules.judge(spec, report)

    def warn(self, spec: Spec) -> tuple[Warned, ...]:
        """Nothing: what starts is what one expects."""
        return ()

    def render(self, launch: Launch) -> PodParts:
        """`main` with Triton, and the actuator beside it unless nothing is drafted."""
        depths = torch.depths_of(launch)
        container = _main(launch, depths)
        torch.accelerated(container, launch)
        return PodParts(
            container=container,
            volumes=[],
            security_context={"seccompProfile": {"type": "RuntimeDefault"}},
            grace_s=drain.GRACE_S,
            tiers=depths,
            sidecars=() if launch.without_speculation else (_actuator(launch, depths),),
        )

    def live_mode(self, spec: Spec) -> LiveMode:
        """K is looked up at each step, by the table that the actuator hands over."""
        return LiveMode.LOOKUP


DRIVER = TritonDriver()


def _main(launch: Launch, depths: tuple[int, ...]) -> dict[str, Any]:
    spec = launch.spec
    ports = {"http": torch.PORT, "grpc": GRPC_PORT, paths.PORT_METRICS: METRICS_PORT}
    return {
        "name": paths.CONTAINER_MAIN,
        "image": spec.engine.image,
        "command": ["python3", "-m", "tandem_runtime.triton.serve"],
        "args": [*torch.arguments(launch), *spec.engine.args],
        "env": environment.merged({"HOME": "/tmp"}, torch.owned_env(launch, depths), spec),  # noqa: S108
        "ports": [
            {"name": name, "containerPort": port, "protocol": "TCP"} for name, port in ports.items()
        ],
        "startupProbe": _probe("ready", spec.progress_deadline_seconds // PROBE_PERIOD_S + 1),
        "readinessProbe": _probe("ready", 3),
        "livenessProbe": _probe("live", 12),
        "lifecycle": {"preStop": drain.pre_stop(METRICS_PORT, GAUGES)},
        "securityContext": _restricted(),
        "volumeMounts": [
            {"name": paths.VOLUME_MODELS, "mountPath": paths.MODELS, "readOnly": True},
            {"name": paths.VOLUME_STATE, "mountPath": paths.STATE, "readOnly": True},
            {"name": paths.VOLUME_SHM, "mountPath": paths.SHM},
        ],
    }


def _actuator(launch: Launch, depths: tuple[int, ...]) -> dict[str, Any]:
    """It alone sees the table; it reaches Triton on the pod's loopback with the key that Triton's
    container left in the memory that both share."""
    env = {"HOME": "/tmp", **torch.owned_env(launch, depths)}  # noqa: S108
    return {
        "name": paths.CONTAINER_ACTUATOR,
        "image": launch.spec.engine.image,
        "command": ["python3", "-m", "tandem_runtime.triton.actuator"],
        "args": [f"--model={launch.values.served_name}", f"--address=127.0.0.1:{GRPC_PORT}"],
        "env": [{"name": name, "value": value} for name, value in env.items()],
        "resources": ACTUATOR_RESOURCES,
        "securityContext": _restricted(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": paths.VOLUME_TABLE, "mountPath": paths.TABLE, "readOnly": True},
            {"name": paths.VOLUME_SHM, "mountPath": paths.SHM},
        ],
    }


def _restricted() -> dict[str, Any]:
    return {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def _probe(page: str, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": f"/v2/health/{page}", "port": "http"},
        "periodSeconds": PROBE_PERIOD_S,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }
