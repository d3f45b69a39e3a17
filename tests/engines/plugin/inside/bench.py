"""A real scheduler of vLLM with the plugin, and a model runner that only pretends to compute.

The runner knows each request's true text and drafts it with mistakes, so what the scheduler makes
of depths, cuts and rejections shows in the tokens that come out.
"""

from __future__ import annotations

import os
import random
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from vllm import SamplingParams
from vllm.engine.arg_utils import EngineArgs
from vllm.v1.core.kv_cache_utils import get_request_block_hasher, init_none_hash
from vllm.v1.core.sched.async_scheduler import AsyncScheduler
from vllm.v1.core.sched.scheduler import Scheduler
from vllm.v1.kv_cache_interface import FullAttentionSpec, KVCacheConfig, KVCacheGroupSpec
from vllm.v1.outputs import DraftTokenIds, ModelRunnerOutput
from vllm.v1.request import Request, RequestStatus
from vllm.v1.structured_output import StructuredOutputManager

from tandem_runtime.contract.table import SpeculationTable
from tandem_runtime.plugin.table.plan import Limits, Plan, plan_of
from tandem_runtime.vllm.scheduler import with_live_depth

DEEPEST = 5
TIERS = (0, 1, 2, 3, 5)
BLOCK_TOKENS = 16
TARGET = Path(__file__).resolve().parents[4] / "examples" / "tiny-pair" / "target"
_SPECULATIVE = {
    "method": "ngram",
    "num_speculative_tokens": DEEPEST,
    "prompt_lookup_max": 3,
    "prompt_lookup_min": 1,
}


class PlanHolder:
    """Stands where the watcher does: a test puts plans into force without files or threads."""

    def __init__(self) -> None:
        self.plan: Plan | None = None

    def put(self, table: SpeculationTable) -> None:
        self.plan = plan_of(table, Limits(DEEPEST, TIERS))

    def stop(self) -> None:
        """As the watcher's; there is no thread."""


def true_token(name: str, position: int) -> int:
    """The token that the model gives this request at this position."""
    return random.Random(f"{name}/{position}").randrange(10, 1000)


@dataclass
class Seen:
    """One scheduled step, as the runner got it."""

    decoding: dict[str, int]
    """Drafts to verify, by decoding request."""
    drafting: int
    prefill_tokens: int


@dataclass
class Bench:
    """Scheduler and runner; asynchronous scheduling keeps one step in flight."""

    asynchronous: bool
    blocks: int = 400
    accepts: float = 0.7
    batched_tokens: int = 256
    most_requests: int = 32
    plugin: bool = True
    speculative: bool = True
    resumed: int = 0
    """Requests that came back after preemption."""
    seen: list[Seen] = field(default_factory=list)
    outputs: dict[str, list[int]] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        config = _config(self)
        config.cache_config.num_gpu_blocks = self.blocks
        base = AsyncScheduler if self.asynchronous else Scheduler
        os.environ.pop("TANDEM_TABLE_FILE", None)
        cls = with_live_depth(base) if self.plugin else base
        self.scheduler: Any = cls(
            vllm_config=config,
            kv_cache_config=_cache(self.blocks),
            structured_output_manager=StructuredOutputManager(config),
            block_size=BLOCK_TOKENS,
            hash_block_size=BLOCK_TOKENS,
            log_stats=True,
        )
        self.plans = PlanHolder()
        if self.plugin:
            self.scheduler.tandem.watcher.stop()
            self.scheduler.tandem.watcher = self.plans
        self._flight: deque[tuple[Any, Any]] = deque()
        self._lengths: dict[str, int] = {}
        self._drafts: dict[str, list[int]] = {}
        self._random = random.Random(0)

    @property
    def live(self) -> Any:
        return self.scheduler.tandem.live

    def add(
        self,
        name: str,
        prompt: int = 8,
        tokens: int = 20,
        constrained: bool = False,
        **marks: Any,
    ) -> None:
        """A request with that many prompt tokens, which wants that many more.

        `constrained` shows at its arrival alone: what only pretends to compute has no grammar.
        """
        parameters = SamplingParams(max_tokens=tokens, ignore_eos=True, extra_args=marks or None)
        parameters.update_from_generation_config({}, 2)
        self._lengths[name] = prompt
        self.outputs[name] = []
        request = _Arriving(
            request_id=name,
            # Each its own prompt: a prefix hit would hide prefill.
            prompt_token_ids=[true_token(f"prompt {name}", i) for i in range(prompt)],
            sampling_params=parameters,
            pooling_params=None,
            block_hasher=_hasher(),
        )
        request.constrained = constrained
        self.scheduler.add_request(request)
        request.constrained = False

    def abort(self, name: str) -> None:
        self.scheduler.finish_requests(name, RequestStatus.FINISHED_ABORTED)
        self.finished.add(name)

    def step(self) -> None:
        """One turn of the engine's loop."""
        output = self.scheduler.schedule()
        self._flight.append((output, self._execute(output)))
        if len(self._flight) > (1 if self.asynchronous else 0):
            self._return()

    def drain(self, most: int = 5000) -> None:
        """Step until nothing is left."""
        for _ in range(most):
            if not self.scheduler.has_unfinished_requests():
                break
            self.step()
        while self._flight:
            self._return()
        assert not self.scheduler.has_unfinished_requests()

    def _return(self) -> None:
        output, result = self._flight.popleft()
        for reply in self.scheduler.update_from_output(output, result).values():
            for one in reply.outputs:
                self.outputs[one.request_id] += one.new_token_ids
                if one.finished:
                    self.finished.add(one.request_id)
        if not self.asynchronous and output.num_scheduled_tokens:
            names = [name for name in result.req_ids if name in self._drafts]
            drafts = [list(self._drafts[name]) for name in names]
            self.scheduler.update_draft_token_ids(DraftTokenIds(names, drafts))

    def _execute(self, output: Any) -> ModelRunnerOutput:
        names = list(output.num_scheduled_tokens)
        sampled = []
        seen = Seen({}, output.num_spec_tokens_to_schedule, 0)
        self.resumed += len(output.scheduled_cached_reqs.resumed_req_ids)
        for name in names:
            tokens = self._sample(name, output, seen)
            sampled.append(tokens)
            if tokens:
                self._draft(name, output.num_spec_tokens_to_schedule)
            else:
                self._drafts.pop(name, None)
        self.seen.append(seen)
        return ModelRunnerOutput(
            req_ids=names,
            req_id_to_index={name: row for row, name in enumerate(names)},
            sampled_token_ids=sampled,
            logprobs=None,
            prompt_logprobs_dict={},
            pooler_output=[],
        )

    def _sample(self, name: str, output: Any, seen: Seen) -> list[int]:
        request = self.scheduler.requests[name]
        scheduled = output.num_scheduled_tokens[name]
        verified = output.scheduled_spec_decode_tokens.get(name, [])
        fresh = any(new.req_id == name for new in output.scheduled_new_reqs)
        if fresh or name in output.scheduled_cached_reqs.resumed_req_ids:
            self._lengths[name] = request.num_tokens
            self._drafts.pop(name, None)
        if request.is_prefill_chunk or name not in self._drafts:
            assert not verified, f"{name} verifies drafts that nobody made"
            seen.prefill_tokens += scheduled
            if request.is_prefill_chunk:
                return []
        else:
            drafts = self._drafts[name]
            assert len(verified) <= len(drafts), f"{name}: {len(verified)} of {len(drafts)} drafts"
            assert scheduled == 1 + len(verified)
            if not self.asynchronous:
                assert verified == drafts[: len(verified)]
            seen.decoding[name] = len(verified)
        kept = 0
        for offset, draft in enumerate(self._drafts.get(name, [])[: len(verified)]):
            if draft != true_token(name, self._lengths[name] + offset):
                break
            kept += 1
        start = self._lengths[name]
        self._lengths[name] = start + kept + 1
        return [true_token(name, start + offset) for offset in range(kept + 1)]

    def _draft(self, name: str, depth: int) -> None:
        start = self._lengths[name]
        self._drafts[name] = [
            true_token(name, start + offset) if self._random.random() < self.accepts else 5
            for offset in range(depth)
        ]

    def expect_true_outputs(self, lengths: dict[str, int], prompts: dict[str, int]) -> None:
        """Every request that ran to its end has exactly the model's tokens."""
        for name, tokens in lengths.items():
            start = prompts[name]
            assert self.outputs[name] == [
                true_token(name, start + offset) for offset in range(tokens)
            ], name


class _Arriving(Request):
    constrained = False

    @property
    def use_structured_output(self) -> bool:
        return self.constrained


_configs: dict[tuple[bool, int, int, bool], Any] = {}


def _config(bench: Bench) -> Any:
    key = (bench.asynchronous, bench.batched_tokens, bench.most_requests, bench.speculative)
    if key not in _configs:
        config = EngineArgs(
            model=str(TARGET),
            dtype="float32",
            max_model_len=1024,
            max_num_seqs=bench.most_requests,
            max_num_batched_tokens=max(bench.batched_tokens, bench.most_requests * 8),
            enforce_eager=True,
            block_size=BLOCK_TOKENS,
            enable_prefix_caching=False,
            speculative_config=_SPECULATIVE if bench.speculative else None,
        ).create_engine_config()
        # Forced off on a CPU; the scheduler itself needs no device.
        config.scheduler_config.async_scheduling = bench.asynchronous
        _configs[key] = config
    return _configs[key]


def _cache(blocks: int) -> KVCacheConfig:
    spec = FullAttentionSpec(
        block_size=BLOCK_TOKENS, num_kv_heads=1, head_size=1, dtype=torch.float32
    )
    return KVCacheConfig(
        num_blocks=blocks,
        kv_cache_tensors=[],
        kv_cache_groups=[KVCacheGroupSpec(["layer"], spec)],
    )


def _hasher() -> Any:
    init_none_hash(hash)
    return get_request_block_hasher(BLOCK_TOKENS, hash)
