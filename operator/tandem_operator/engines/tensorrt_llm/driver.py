"""The drivers of TensorRT-LLM's own server and of Triton with TensorRT-LLM in it."""

import json
from typing import Any

from tandem_operator.api.spec import EngineServer, EngineType, Spec
from tandem_operator.api.status import LiveMode
from tandem_operator.engines.by_server import ByServer
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.launch import Endpoint, EngineParts, Launch, PodParts
from tandem_operator.engines.interface.pair_judgement import PairJudgement, Warned
from tandem_operator.engines.pod import container, drain, environment
from tandem_operator.engines.tensorrt_llm import llm, pbtxt
from tandem_operator.engines.tensorrt_llm.methods import OFF_IN_A_STEP
from tandem_operator.engines.tensorrt_llm.rules import configuration, live, pair
from tandem_operator.engines.tensorrt_llm.rules import spec as spec_rules
from tandem_operator.engines.tensorrt_llm.series import READER
from tandem_operator.engines.tensorrt_llm.support import SUPPORT
from tandem_runtime.contract import paths, pod_lock
from tandem_runtime.contract import tensorrt_llm as contract
from tandem_runtime.contract.report import PairReport

START = f"""\
export PYTHONPATH="{paths.PLUGIN}${{PYTHONPATH:+:$PYTHONPATH}}"
exec python3 -m tandem_runtime.tensorrt_llm.start "$@"
"""
"""Adds the plugin's folder to what the image itself puts on its path."""
DEFAULT_ENV = {"HOME": "/tmp", "TRTLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}  # noqa: S108
PAGE = Endpoint(path="/prometheus/metrics")
TRITON_PAGE, TRITON_METRICS_PORT, GRPC_PORT = Endpoint("tandem-metrics"), 8002, 8001
READY, LIVE = "/v2/health/ready", "/v2/health/live"
VOLUME = "tensorrt-llm"


class TensorRtLlmDriver:
    """One server's driver; rules of engine and pair are the same under both."""

    type = EngineType.TENSORRT_LLM
    metrics = READER
    plugin = pod_lock.PLUGIN_TENSORRT_LLM
    owned_env = environment.OWNED_EVERYWHERE

    def __init__(self, server: EngineServer) -> None:
        self.support = (SUPPORT[server],)
        self._triton = server is EngineServer.TRITON

    def validate(self, spec: Spec) -> tuple[FieldError, ...]:
        """What of the spec TensorRT-LLM cannot do, and what of it is the operator's to set."""
        of_server = configuration.triton_arguments(spec) if self._triton else ()
        return (
            *spec_rules.validate(spec),
            *live.validate(spec),
            *configuration.engine_config(spec),
            *configuration.arguments(spec),
            *of_server,
            *environment.validate(spec, self.owned_env),
        )

    def judge_pair(self, spec: Spec, report: PairReport) -> PairJudgement:
        """What of the locked pair TensorRT-LLM does not start, and what acts later than thought."""
        return PairJudgement(tuple(pair.judge(spec, report)), self.warn(spec))

    def warn(self, spec: Spec) -> tuple[Warned, ...]:
        """That K is taken at the start."""
        return live.warnings(spec)

    def stops_drafting(self, spec: Spec) -> bool:
        """Whether the engine's own gate is set."""
        keys = spec.speculation.engine_config or {}
        return any(keys.get(w) and keys.get(t) is not None for w, t in contract.GATES)

    def render(self, launch: Launch) -> EngineParts:
        """The pod of one replica; deterministic, so that the same launch gives the same bytes."""
        keys = llm.in_triton(launch) if self._triton else llm.keys(launch)
        contents = {contract.LLM_FILE: json.dumps(keys, indent=1, sort_keys=True) + "\n"}
        if self._triton:
            contents[contract.PBTXT_FILE] = pbtxt.text()
        files = launch.config_files(VOLUME, contents)
        depths = depths_of(launch)
        served = _triton_served(launch) if self._triton else _served(launch)
        mount = {"name": VOLUME, "mountPath": contract.CONFIG_FOLDER, "readOnly": True}
        main = {
            **served,
            "image": launch.spec.engine.image,
            "command": ["/bin/sh", "-c", START, "tensorrt-llm"],
            "args": self._words(launch),
            "env": environment.merged(
                DEFAULT_ENV,
                {"HF_HUB_OFFLINE": "1", **container.owned_env(launch, depths)},
                launch.spec,
            ),
            "volumeMounts": [*container.mounts(plugin=True), mount],
        }
        volume = {"name": VOLUME, "configMap": {"name": files.name}}
        return EngineParts(
            PodParts(main, [volume], container.POD_HARDENED, drain.GRACE_S),
            tiers=depths,
            config=(files,),
            metrics=TRITON_PAGE if self._triton else PAGE,
        )

    def image_of(self, version: str) -> str | None:
        """NVIDIA's own image of TensorRT-LLM; those with Triton are numbered otherwise."""
        return None if self._triton else f"nvcr.io/nvidia/tensorrt-llm/release:{version}"

    def live_mode(self, spec: Spec) -> LiveMode:
        """K is that of the start."""
        return LiveMode.ROLLOUT

    def _words(self, launch: Launch) -> list[str]:
        spec = launch.spec
        words = [contract.TRITON if self._triton else contract.SERVE]
        words.append(f"--name={launch.values.served_name}")
        if not launch.without_speculation:
            words.append(f"--initial-tokens={launch.values.initial_tokens}")
            words += ["--zero"] if spec.speculation.method in OFF_IN_A_STEP else []
        if self._triton:
            return words
        return [*words, "--", *_serve_words(launch), *spec.engine.args]


def depths_of(launch: Launch) -> tuple[int, ...]:
    """A start may have any K; `start` itself takes no 0 where a draft that stood still is stale."""
    deepest = 0 if launch.without_speculation else launch.spec.speculation.max_tokens
    return tuple(range(deepest + 1))


def _serve_words(launch: Launch) -> list[str]:
    parallelism = launch.spec.parallelism
    words = [
        "serve",
        paths.TARGET,
        f"--served_model_name={launch.values.served_name}",
        "--host=0.0.0.0",
        f"--port={container.PORT}",
    ]
    if parallelism.tensor > 1:
        words.append(f"--tensor_parallel_size={parallelism.tensor}")
    if parallelism.pipeline > 1:
        words.append(f"--pipeline_parallel_size={parallelism.pipeline}")
    if launch.spec.tokenizer_lock.allow_remote_code:
        words.append("--trust_remote_code")
    return words


def _served(launch: Launch) -> dict[str, Any]:
    return container.served(launch, READER.queue, page=(container.PORT, PAGE.path))


def _triton_served(launch: Launch) -> dict[str, Any]:
    page = (TRITON_METRICS_PORT, TRITON_PAGE.path)
    served = container.served(launch, READER.queue, health=LIVE, ready=READY, page=page)
    ports = {"grpc": GRPC_PORT, TRITON_PAGE.port: TRITON_METRICS_PORT}
    more = [{"name": n, "containerPort": port, "protocol": "TCP"} for n, port in ports.items()]
    return {**served, "ports": [*served["ports"], *more]}


DRIVER = ByServer(TensorRtLlmDriver(EngineServer.NATIVE), TensorRtLlmDriver(EngineServer.TRITON))
