"""The options of SGLang's server (0.5.23) that the operator sets, and what to use instead."""

from tandem_operator.engines.pod.flags import OwnedFlag

_ADDRESS = "remove it; the Service forwards HTTP to port 8000"
_TLS = "end TLS in front of the Service; probes speak HTTP"
_ONE_POD = "set spec.parallelism; one replica is one pod"
_WHOLE = "remove it; every replica serves whole requests"

OWNED_FLAGS = (
    OwnedFlag("model-path", "set spec.target.uri"),
    OwnedFlag("tokenizer-path", "put the tokenizer's files beside the target's weights"),
    OwnedFlag("skip-tokenizer-init", "remove it; the lock stands on the tokenizer"),
    OwnedFlag("revision", "set spec.target.revision"),
    OwnedFlag("json-model-override-args", "set them in the repository; the lock must see them"),
    OwnedFlag("decrypted-config-file", "set spec.target.uri; the lock must see the file"),
    OwnedFlag("decrypted-draft-config-file", "set spec.draft.uri; the lock must see the file"),
    OwnedFlag("speculative", "use spec.speculation", family=True),
    OwnedFlag("uno-lora-path", "use spec.speculation"),
    OwnedFlag("decoupled-spec", "use spec.speculation", family=True),
    OwnedFlag("enable-multi-layer-eagle", "remove it; it is not driven"),
    OwnedFlag("host", "remove it; the engine listens on every address of its pod"),
    OwnedFlag("port", _ADDRESS),
    OwnedFlag("grpc-mode", _ADDRESS),
    OwnedFlag("smg-grpc-mode", _ADDRESS),
    OwnedFlag("gated-launch-port", _ADDRESS),
    OwnedFlag("encoder-only", _WHOLE),
    OwnedFlag("is-embedding", "remove it; such a model drafts nothing"),
    OwnedFlag("ssl-", _TLS, family=True),
    OwnedFlag("enable-ssl-refresh", _TLS),
    OwnedFlag("fastapi-root-path", "remove it; probes ask /health"),
    OwnedFlag("config", "write the options into spec.engine.args"),
    OwnedFlag("served-model-name", "set spec.target.servedName"),
    OwnedFlag("load-format", "use safetensors weights"),
    OwnedFlag("custom-weight-loader", "use safetensors weights"),
    OwnedFlag("enable-metrics", "remove it; the operator sets it"),
    OwnedFlag("extra-metric-labels", "set labels where the page is scraped"),
    OwnedFlag("device", "set spec.accelerator.resource"),
    OwnedFlag("tensor-parallel-size", "set spec.parallelism.tensor"),
    OwnedFlag("tp-size", "set spec.parallelism.tensor"),
    OwnedFlag("pipeline-parallel-size", "set spec.parallelism.pipeline"),
    OwnedFlag("pp-size", "set spec.parallelism.pipeline"),
    OwnedFlag("data-parallel-size", "set spec.replicas"),
    OwnedFlag("dp-size", "set spec.replicas"),
    OwnedFlag("enable-dp-attention", "remove it; draft models and n-grams do not run with it"),
    OwnedFlag("nnodes", _ONE_POD),
    OwnedFlag("node-rank", _ONE_POD),
    OwnedFlag("dist-init-addr", _ONE_POD),
    OwnedFlag("nccl-init-addr", _ONE_POD),
    OwnedFlag("use-ray", _ONE_POD),
    OwnedFlag("disaggregation-mode", _WHOLE),
    OwnedFlag("trust-remote-code", "set spec.tokenizerLock.allowRemoteCode"),
    OwnedFlag("download-dir", "set spec.modelCache"),
    OwnedFlag("sidecar", "put containers into spec.template"),
    OwnedFlag("sidecar-args", "put containers into spec.template"),
)
