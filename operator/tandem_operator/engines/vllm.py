"""vLLM: what it can do, what of the spec it refuses, and how it is started."""

import json
from typing import Any

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import (
    ConstrainedOutput,
    EngineServer,
    EngineType,
    Method,
    Spec,
)
from tandem_operator.api.status import LiveMode
from tandem_operator.engines import drain, environment, flags, tiers
from tandem_operator.engines.launch import Launch, PodParts
from tandem_operator.engines.refusal import Refusal
from tandem_operator.engines.series import Series
from tandem_operator.engines.vllm_flags import OWNED_CONFIG_KEYS, OWNED_FLAGS
from tandem_runtime.contract import environment as contract
from tandem_runtime.contract import paths

PORT = 8000
DEFAULT_MAX_BATCH = 256
PROBE_PERIOD_S = 5

METHODS = {
    Method.DRAFT_MODEL: "draft_model",
    Method.EAGLE: "eagle",
    Method.EAGLE3: "eagle3",
    Method.MTP: "mtp",
    Method.N_GRAM: "ngram",
    Method.SUFFIX: "suffix",
    Method.MEDUSA: "medusa",
}
REJECTION = "rejection_sample_method"
FIXED_DEPTH = frozenset({Method.SUFFIX, Method.MEDUSA})
"""Methods whose drafter asserts on any other K than the one it was started with."""

SERIES = Series(
    prefixes=("vllm:", "vllm_"),
    running="num_requests_running",
    waiting="num_requests_waiting",
    drafts="spec_decode_num_drafts_total",
    draft_tokens="spec_decode_num_draft_tokens_total",
    accepted_tokens="spec_decode_num_accepted_tokens_total",
    accepted_by_position="spec_decode_num_accepted_tokens_per_pos_total",
    generated_tokens="generation_tokens_total",
    prefill_tokens="prompt_tokens_total",
    iteration_tokens="iteration_tokens_total",
    first_token_seconds="time_to_first_token_seconds",
    inter_token_seconds="inter_token_latency_seconds",
    output_token_seconds="request_time_per_output_token_seconds",
    end_to_end_seconds="e2e_request_latency_seconds",
    cache_usage="kv_cache_usage_perc",
)


class VllmDriver:
    """The driver of stock vLLM images with the plugin mounted beside."""

    type = EngineType.VLLM
    series = SERIES
    owned_env = (
        *environment.OWNED_EVERYWHERE,
        "VLLM_PLUGINS",
        "VLLM_SERVER_DEV_MODE",
        "VLLM_TARGET_DEVICE",
    )

    def judge(self, spec: Spec) -> tuple[Refusal, ...]:
        """What of the spec vLLM cannot do, and what of it is the operator's to set."""
        return (
            *_judge_combination(spec),
            *_judge_arguments(spec),
            *_judge_config(spec),
            *environment.judge(spec, self.owned_env),
        )

    def judge_pair(self, spec: Spec, mixture_of_experts: bool) -> tuple[Refusal, ...]:
        """Data-parallel ranks of a mixture of experts run in lockstep: K cannot change live."""
        if not mixture_of_experts or spec.parallelism.data == 1:
            return ()
        return (
            Refusal(
                StalledReason.UNSUPPORTED_COMBINATION,
                "spec.parallelism.data",
                str(spec.parallelism.data),
                "vLLM cannot change K live in a mixture of experts with data parallelism",
                "use parallelism.tensor, or set parallelism.data: 1 and more replicas",
            ),
        )

    def render(self, launch: Launch) -> PodParts:
        """The container `main`; deterministic, so that the same launch gives the same bytes."""
        spec, values = launch.spec, launch.values
        depths = (0,) if launch.without_speculation else depths_of(spec, values.initial_tokens)
        container: dict[str, Any] = {
            "name": paths.CONTAINER_MAIN,
            "image": spec.engine.image,
            "command": ["vllm", "serve"],
            "args": [*_arguments(launch, depths), *spec.engine.args],
            "env": environment.merged(_DEFAULT_ENV, _owned_env(launch, depths), spec),
            "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
            "startupProbe": _probe(spec.progress_deadline_seconds // PROBE_PERIOD_S + 1),
            "readinessProbe": _probe(3),
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
            "volumeMounts": _mounts(spec),
        }
        if values.accelerator_resource is not None:
            amount = {values.accelerator_resource: str(values.accelerator_count)}
            container["resources"] = {"limits": amount, "requests": dict(amount)}
        return PodParts(
            container=container,
            volumes=[],
            security_context={"seccompProfile": {"type": "RuntimeDefault"}},
            grace_s=drain.GRACE_S,
            tiers=depths,
        )

    def live_mode(self, spec: Spec) -> LiveMode:
        """Looked up at each step; drafters of fixed depth have their drafts trimmed."""
        if spec.speculation.method in FIXED_DEPTH:
            return LiveMode.TRIM
        return LiveMode.LOOKUP


DRIVER = VllmDriver()

_DEFAULT_ENV = {"HOME": "/tmp", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}  # noqa: S108


def depths_of(spec: Spec, initial_tokens: int) -> tuple[int, ...]:
    """The K values that the engine is started with."""
    if spec.speculation.method in FIXED_DEPTH:
        return (0, spec.speculation.max_tokens)
    return tiers.tiers(spec.speculation.max_tokens, initial_tokens)


def _arguments(launch: Launch, depths: tuple[int, ...]) -> list[str]:
    spec = launch.spec
    words = [
        paths.TARGET,
        f"--served-model-name={launch.values.served_name}",
        "--host=0.0.0.0",
        f"--port={PORT}",
    ]
    if spec.parallelism.tensor > 1:
        words.append(f"--tensor-parallel-size={spec.parallelism.tensor}")
    if spec.parallelism.pipeline > 1:
        words.append(f"--pipeline-parallel-size={spec.parallelism.pipeline}")
    if spec.parallelism.data > 1:
        words.append(f"--data-parallel-size={spec.parallelism.data}")
    if spec.tokenizer_lock.allow_remote_code:
        words.append("--trust-remote-code")
    if not launch.without_speculation:
        words.append(f"--speculative-config={json.dumps(_speculative(launch, depths))}")
    return words


def _speculative(launch: Launch, depths: tuple[int, ...]) -> dict[str, Any]:
    spec = launch.spec
    speculation = spec.speculation
    config: dict[str, Any] = dict(speculation.engine_config or {})
    config["method"] = METHODS[speculation.method]
    config["num_speculative_tokens"] = speculation.max_tokens
    if spec.draft is not None:
        config["model"] = paths.DRAFT
    if speculation.draft_tensor_parallel is not None:
        config["draft_tensor_parallel_size"] = speculation.draft_tensor_parallel
    if speculation.n_gram is not None:
        if speculation.n_gram.min_lookup is not None:
            config["prompt_lookup_min"] = speculation.n_gram.min_lookup
        if speculation.n_gram.max_lookup is not None:
            config["prompt_lookup_max"] = speculation.n_gram.max_lookup
    # Data-parallel engines drop a start schedule, so none is given to them.
    if speculation.method not in FIXED_DEPTH and spec.parallelism.data == 1:
        config["num_speculative_tokens_per_batch_size"] = [
            list(entry)
            for entry in tiers.start_schedule(
                depths, launch.values.initial_tokens, _max_batch(spec)
            )
        ]
    return config


def _max_batch(spec: Spec) -> int:
    """Requests in one step at most, as vLLM is told; its own default otherwise."""
    given = flags.value_of(spec.engine.args, "max-num-seqs")
    return int(given) if given is not None and given.isdigit() else DEFAULT_MAX_BATCH


def _owned_env(launch: Launch, depths: tuple[int, ...]) -> dict[str, str]:
    deepest = 0 if launch.without_speculation else launch.spec.speculation.max_tokens
    owned = {
        contract.PYTHONPATH: paths.PLUGIN,
        "HF_HUB_OFFLINE": "1",
        contract.LOCK: launch.pod_lock,
        contract.TABLE_FILE: paths.TABLE_FILE,
        contract.DIGESTS_FILE: paths.DIGESTS_FILE,
        contract.METRICS_DIR: paths.METRICS,
        contract.MAX_TOKENS: str(deepest),
        contract.TIERS: ",".join(str(depth) for depth in depths),
    }
    if launch.values.accelerator_resource is None:
        owned["VLLM_TARGET_DEVICE"] = "cpu"
    return owned


def _mounts(spec: Spec) -> list[dict[str, Any]]:
    return [
        {"name": paths.VOLUME_MODELS, "mountPath": paths.MODELS, "readOnly": True},
        {"name": paths.VOLUME_PLUGIN, "mountPath": paths.PLUGIN, "readOnly": True},
        {"name": paths.VOLUME_STATE, "mountPath": paths.STATE, "readOnly": True},
        {"name": paths.VOLUME_TABLE, "mountPath": paths.TABLE, "readOnly": True},
        {"name": paths.VOLUME_SHM, "mountPath": paths.SHM},
    ]


def _probe(failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": "/health", "port": "http"},
        "periodSeconds": PROBE_PERIOD_S,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }


def _judge_combination(spec: Spec) -> list[Refusal]:
    found = []
    if spec.speculation.method not in METHODS:
        found.append(
            Refusal(
                StalledReason.UNSUPPORTED_COMBINATION,
                "spec.speculation.method",
                spec.speculation.method.value,
                "vLLM has no such method",
                f"use one of {', '.join(method.value for method in METHODS)}",
            )
        )
    if spec.engine.server is EngineServer.TRITON:
        found.append(
            Refusal(
                StalledReason.UNSUPPORTED_COMBINATION,
                "spec.engine.server",
                spec.engine.server.value,
                "vLLM serves by itself here",
                "leave engine.server out",
            )
        )
    if (
        spec.speculation.method in FIXED_DEPTH
        and spec.speculation.constrained_output is ConstrainedOutput.BYPASS
    ):
        found.append(
            Refusal(
                StalledReason.UNSUPPORTED_COMBINATION,
                "spec.speculation.constrainedOutput",
                spec.speculation.constrained_output.value,
                f"{spec.speculation.method.value} drafts a fixed number of tokens for every "
                "request, so none can bypass it",
                "set constrainedOutput: Allow, or use another method",
            )
        )
    return found


def _judge_arguments(spec: Spec) -> list[Refusal]:
    found = []
    for index, argument in enumerate(spec.engine.args):
        owned = flags.owned_by(argument, OWNED_FLAGS)
        if owned is not None:
            message, remedy = f"the operator sets --{owned.name.rstrip('-')}", owned.remedy
        elif flags.is_open(argument):
            message = "the variable in it could make any option of it"
            remedy = "write --option=$(NAME)"
        else:
            continue
        field = f"spec.engine.args[{index}]"
        found.append(Refusal(StalledReason.INVALID_ARGUMENTS, field, argument, message, remedy))
    return found


def _judge_config(spec: Spec) -> list[Refusal]:
    config = spec.speculation.engine_config or {}
    found = [
        _config_refusal(key, value, "the operator sets this key", OWNED_CONFIG_KEYS[key])
        for key, value in config.items()
        if key in OWNED_CONFIG_KEYS
    ]
    if config.get(REJECTION) == "synthetic":
        found.append(
            _config_refusal(
                REJECTION,
                config[REJECTION],
                "it accepts drafts that the target does not confirm",
                "use standard or block",
            )
        )
    return found


def _config_refusal(key: str, value: Any, message: str, remedy: str) -> Refusal:
    field = f"spec.speculation.engineConfig.{key}"
    return Refusal(StalledReason.INVALID_ARGUMENTS, field, json.dumps(value), message, remedy)
