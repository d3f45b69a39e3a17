"""Options of the engine's command line: those of the user, and those that the operator sets."""

USERS = {
    "dtype": True,
    "threads": True,
    "kv-cache-mib": True,
    "max-model-len": True,
    "max-num-seqs": True,
    "max-num-batched-tokens": True,
    "max-queue": True,
    "max-body-bytes": True,
    "drain-seconds": True,
    "compile": False,
}
"""Whether the option has a value."""

OWNED = {
    "served-model-name": "set spec.target.servedName",
    "host": "remove it; the engine listens on every address of its pod",
    "port": "remove it; the Service forwards to port 8000",
    "device": "set spec.accelerator",
    "method": "set spec.speculation.method",
    "draft": "set spec.draft",
    "exit-layer": "set spec.speculation.layerSkip.exitLayer",
    "prompt-lookup-min": "set spec.speculation.nGram.minLookup",
    "prompt-lookup-max": "set spec.speculation.nGram.maxLookup",
    "num-speculative-tokens": "set spec.speculation.maxTokens",
    "initial-tokens": "set spec.speculation.initialTokens",
    "api-key": "set the variable TORCH_ENGINE_API_KEY in engine.env, from a Secret",
}
"""What to set instead."""
