"""The drivers of TensorRT-LLM's own server and of Triton with TensorRT-LLM in it."""

import json

from tandem_operator.api.spec import EngineServer, EngineType, Spec
from tandem_operator.api.status import LiveMode
from tandem_operator.engines.by_server import ByServer
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.launch import EngineParts, Launch, PodParts
from tandem_operator.engines.interface.pair_validation import PairValidation, Warned
from tandem_operator.engines.pod import container, drain, environment
from tandem_operator.engines.tensorrt_llm import llm, pbtxt, servers
from tandem_operator.engines.tensorrt_llm.methods import OFF_IN_A_STEP
from tandem_operator.engines.tensorrt_llm.rules import configuration, live, pair
from tandem_operator.engines.tensorrt_llm.rules import spec as spec_rules
from tandem_operator.engines.tensorrt_llm.series import READER
from tandem_operator.engines.tensorrt_llm.support import SUPPORT
from tandem_runtime.contract import paths, pod_lock
from tandem_runtime.contract.engines import tensorrt_llm as contract
from tandem_runtime.contract.report import PairReport

START = f"""\
export PYTHONPATH="{paths.PLUGIN}${{PYTHONPATH:+:$PYTHONPATH}}"
exec python3 -m tandem_runtime.tensorrt_llm.start "$@"
"""
"""Adds the plugin's folder to what the image itself puts on its path."""
DEFAULT_ENV = {"HOME": "/tmp", "TRTLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}  # noqa: S108
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

    def validate_pair(self, spec: Spec, report: PairReport) -> PairValidation:
        """What of the locked pair TensorRT-LLM does not start, and what acts later than thought."""
        return PairValidation(tuple(pair.validate(spec, report)), self.warn(spec))

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
        served = servers.in_triton(launch) if self._triton else servers.alone(launch)
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
            metrics=servers.TRITON_PAGE if self._triton else servers.PAGE,
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
        return [*words, "--", *servers.serve_words(launch), *spec.engine.args]


def depths_of(launch: Launch) -> tuple[int, ...]:
    """A start may have any K; `start` itself takes no 0 where a draft that stood still is stale."""
    deepest = 0 if launch.without_speculation else launch.spec.speculation.max_tokens
    return tuple(range(deepest + 1))


DRIVER = ByServer(TensorRtLlmDriver(EngineServer.NATIVE), TensorRtLlmDriver(EngineServer.TRITON))
