"""How SGLang is started: the words of its command line."""

from __future__ import annotations

from tandem_operator.api.spec import Method, Spec
from tandem_operator.engines import tiers
from tandem_operator.engines.interface.launch import Launch
from tandem_operator.engines.pod.container import PORT
from tandem_operator.engines.sglang.config_keys import ADAPTIVE_KEY, plain
from tandem_operator.engines.sglang.methods import METHODS
from tandem_runtime.contract import paths

SERVER = ("python3", "-m", "sglang.launch_server")
ADAPTIVE_FILE = "/tmp/tandem-adaptive.json"  # noqa: S108 (the container's own)


def is_adaptive(spec: Spec) -> bool:
    """Whether SGLang shall change the number of steps by itself."""
    config = spec.speculation.engine_config or {}
    return any(plain(key) == ADAPTIVE_KEY and value is True for key, value in config.items())


def depths_of(launch: Launch) -> tuple[int, ...]:
    """K of a pod: one alone, or the tiers among which SGLang chooses."""
    if launch.without_speculation:
        return (0,)
    most = launch.spec.speculation.max_tokens
    return tiers.tiers(most) if is_adaptive(launch.spec) else (most,)


def start_words(launch: Launch) -> list[str]:
    """What `tandem_runtime.start` is given before the engine's own words."""
    if launch.without_speculation or not is_adaptive(launch.spec):
        return ["--"]
    return [f"--adaptive={ADAPTIVE_FILE}", f"--initial-tokens={launch.values.initial_tokens}", "--"]


def arguments(launch: Launch) -> list[str]:
    """The operator's own arguments, before the user's."""
    spec = launch.spec
    words = [
        f"--model-path={paths.TARGET}",
        f"--served-model-name={launch.values.served_name}",
        "--host=0.0.0.0",
        f"--port={PORT}",
        "--enable-metrics",
    ]
    if launch.values.accelerator_resource is None:
        words.append("--device=cpu")
    if spec.parallelism.tensor > 1:
        words.append(f"--tp-size={spec.parallelism.tensor}")
    if spec.tokenizer_lock.allow_remote_code:
        words.append("--trust-remote-code")
    return words if launch.without_speculation else [*words, *_speculative(spec)]


def _speculative(spec: Spec) -> list[str]:
    """K drafts along one line are K steps of the drafter, and K + 1 tokens that are verified."""
    method, most = spec.speculation.method, spec.speculation.max_tokens
    words = [f"--speculative-algorithm={METHODS[method]}"]
    if spec.draft is not None:
        words.append(f"--speculative-draft-model-path={paths.DRAFT}")
    if method is Method.N_GRAM:
        words.append("--speculative-ngram-max-bfs-breadth=1")
    else:
        words.append("--speculative-eagle-topk=1")
    if is_adaptive(spec):
        words.append("--speculative-adaptive")
    else:
        steps = [] if method is Method.N_GRAM else [f"--speculative-num-steps={most}"]
        words += [*steps, f"--speculative-num-draft-tokens={most + 1}"]
    for key, value in sorted((spec.speculation.engine_config or {}).items()):
        option = f"--speculative-{plain(key).replace('_', '-')}"
        if plain(key) == ADAPTIVE_KEY or value is False:
            continue
        words.append(option if value is True else f"{option}={value}")
    return words
