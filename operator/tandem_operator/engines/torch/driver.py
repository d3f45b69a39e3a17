"""The driver of the project's own engine, whose image the chart brings."""

from typing import Any

from tandem_operator.api.spec import EngineType, Spec
from tandem_operator.api.status import LiveMode
from tandem_operator.engines import drain, environment
from tandem_operator.engines.field_error import FieldError
from tandem_operator.engines.launch import Launch, PodParts
from tandem_operator.engines.pair_judgement import PairJudgement, Warned
from tandem_operator.engines.torch import pair_rules, spec_rules
from tandem_operator.engines.torch.methods import METHODS

# The engine's page is in vLLM's words.
from tandem_operator.engines.vllm.series import SERIES
from tandem_runtime.contract import environment as contract
from tandem_runtime.contract import paths
from tandem_runtime.contract.report import PairReport

PORT = 8000
PROBE_PERIOD_S = 5


class TorchDriver:
    """The driver of the torch engine."""

    type = EngineType.TORCH
    series = SERIES
    owned_env = environment.OWNED_EVERYWHERE

    def judge(self, spec: Spec) -> tuple[FieldError, ...]:
        """What of the spec this engine cannot do, and what of it is the operator's to set."""
        return (*spec_rules.judge(spec), *environment.judge(spec, self.owned_env))

    def judge_pair(self, spec: Spec, report: PairReport) -> PairJudgement:
        """What of the locked pair this engine cannot serve."""
        return pair_rules.judge(spec, report)

    def warn(self, spec: Spec) -> tuple[Warned, ...]:
        """Nothing: what starts is what one expects."""
        return ()

    def render(self, launch: Launch) -> PodParts:
        """The container `main`; deterministic, so that the same launch gives the same bytes."""
        spec = launch.spec
        depths = depths_of(launch)
        container: dict[str, Any] = {
            "name": paths.CONTAINER_MAIN,
            "image": spec.engine.image or launch.torch_image,
            "command": ["tandem-engine"],
            "args": [*arguments(launch), *spec.engine.args],
            "env": environment.merged({"HOME": "/tmp"}, owned_env(launch, depths), spec),  # noqa: S108
            "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
            "startupProbe": _probe(spec.progress_deadline_seconds // PROBE_PERIOD_S + 1),
            "readinessProbe": {**_probe(3), "httpGet": {"path": "/ready", "port": "http"}},
            "livenessProbe": _probe(12),
            "lifecycle": {
                "preStop": drain.pre_stop(
                    PORT, ("vllm:num_requests_running", "vllm:num_requests_waiting")
                )
            },
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            },
            "volumeMounts": [
                {"name": paths.VOLUME_MODELS, "mountPath": paths.MODELS, "readOnly": True},
                {"name": paths.VOLUME_STATE, "mountPath": paths.STATE, "readOnly": True},
                {"name": paths.VOLUME_TABLE, "mountPath": paths.TABLE, "readOnly": True},
                {"name": paths.VOLUME_SHM, "mountPath": paths.SHM},
            ],
        }
        accelerated(container, launch)
        return PodParts(
            container=container,
            volumes=[],
            security_context={"seccompProfile": {"type": "RuntimeDefault"}},
            grace_s=drain.GRACE_S,
            tiers=depths,
        )

    def live_mode(self, spec: Spec) -> LiveMode:
        """K is looked up at each step, whatever the method."""
        return LiveMode.LOOKUP


DRIVER = TorchDriver()


def accelerated(container: dict[str, Any], launch: Launch) -> None:
    """Ask for the devices of the spec; none on a CPU."""
    values = launch.values
    if values.accelerator_resource is not None:
        amount = {values.accelerator_resource: str(values.accelerator_count)}
        container["resources"] = {"limits": amount, "requests": dict(amount)}


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
        f"--port={PORT}",
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


def owned_env(launch: Launch, depths: tuple[int, ...]) -> dict[str, str]:
    """The variables by which the operator speaks to the engine."""
    return {
        contract.LOCK: launch.pod_lock,
        contract.TABLE_FILE: paths.TABLE_FILE,
        contract.DIGESTS_FILE: paths.DIGESTS_FILE,
        contract.METRICS_DIR: paths.METRICS,
        contract.MAX_TOKENS: str(depths[-1]),
        contract.TIERS: ",".join(str(depth) for depth in depths),
    }


def _probe(failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": "/health", "port": "http"},
        "periodSeconds": PROBE_PERIOD_S,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }
