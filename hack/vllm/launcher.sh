#!/bin/sh
# `vllm serve` on a CPU. In a container that mounts this environment at its own path it stands in
# for the `vllm` program, so a leading `serve` is taken as said already.
set -eu
environment=$(dirname "$(dirname "$(readlink -f "$0")")")
[ "${1:-}" = serve ] && shift
# Without Intel's OpenMP loaded first, vLLM's CPU kernels refuse to bind their threads.
export LD_PRELOAD="$environment/lib/libiomp5.so${LD_PRELOAD:+:$LD_PRELOAD}"
export VLLM_TARGET_DEVICE=cpu
export VLLM_CPU_KVCACHE_SPACE="${VLLM_CPU_KVCACHE_SPACE:-1}"
export VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1
export HF_HUB_OFFLINE="${HF_HUB_OFFLINE:-1}"
exec "$environment/bin/python" "$environment/bin/vllm" serve "$@"
