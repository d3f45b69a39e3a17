"""What of a locked pair does not fit the torch engine's memory, by the facts of the lock.

The engine sets its cache aside at the start and keeps weights and cache as `--dtype` says, whatever
the files hold. What is not known counts as nothing.
"""

from collections.abc import Iterable

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.pair_validation import DeviceNeed
from tandem_operator.engines.pod import flags
from tandem_runtime.contract.engines.torch_engine import (
    BLOCK_TOKENS,
    DTYPE,
    DTYPE_BYTES,
    KV_CACHE_MIB,
)
from tandem_runtime.contract.report import PairReport, SideReport

MIB = 1 << 20


def context_tokens(spec: Spec, target: SideReport) -> int | None:
    """The longest text that is served, in tokens; None where it is not known."""
    if flags.value_of(spec.engine.args, "max-model-len") is None:
        return target.facts.context_length
    return _count(spec, "max-model-len", 0)


def cache(spec: Spec, report: PairReport) -> Iterable[FieldError]:
    """The cache holds at least one text of the greatest length: the engine asks for no less."""
    tokens = context_tokens(spec, report.target)
    total_mib = _count(spec, "kv-cache-mib", KV_CACHE_MIB)
    per_token = _cache_bytes_per_token(spec, report)
    if not tokens or not total_mib or not per_token:
        return
    blocks = -(-tokens // BLOCK_TOKENS)
    needed_mib = -(-blocks * BLOCK_TOKENS * per_token // MIB)
    if needed_mib <= total_mib:
        return
    fitting = total_mib * MIB // (BLOCK_TOKENS * per_token) * BLOCK_TOKENS
    shorter = f"--max-model-len={fitting} or less, or " if fitting else ""
    yield FieldError(
        StalledReason.INSUFFICIENT_MEMORY,
        "spec.engine.args",
        f"--kv-cache-mib {total_mib}",
        f"one text of {tokens} tokens needs {needed_mib} MiB of keys and values",
        f"set {shorter}--kv-cache-mib={needed_mib} or more",
    )


def device(spec: Spec, report: PairReport) -> DeviceNeed:
    """What one device must hold."""
    itemsize = _itemsize(spec)
    sides = {"target": report.target, "draft": report.draft}
    parts = {
        name: side.parameters * itemsize
        for name, side in sides.items()
        if side is not None and side.parameters is not None and itemsize
    }
    cache_mib = _count(spec, "kv-cache-mib", KV_CACHE_MIB)
    if cache_mib:
        parts["KV cache (--kv-cache-mib)"] = cache_mib * MIB
    return DeviceNeed(
        parts,
        "set --dtype=bfloat16 or a smaller --kv-cache-mib in engine.args, take a smaller model, or "
        "use engine.type: vLLM with several devices",
    )


def _cache_bytes_per_token(spec: Spec, report: PairReport) -> int:
    sides = [side for side in (report.target, report.draft) if side is not None]
    return _itemsize(spec) * sum(side.facts.kv_values_per_token or 0 for side in sides)


def _itemsize(spec: Spec) -> int:
    """Bytes of one number; 0 where a variable decides it."""
    return DTYPE_BYTES.get(flags.value_of(spec.engine.args, "dtype") or DTYPE, 0)


def _count(spec: Spec, name: str, default: int) -> int | None:
    """The option's number, None where a variable decides it."""
    given = flags.value_of(spec.engine.args, name)
    if given is None:
        return default
    return int(given) if given.isascii() and given.isdecimal() else None
