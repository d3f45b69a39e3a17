"""One side as the pair report tells it."""

from __future__ import annotations

from dataclasses import replace

from tandem_runtime.contract.report import SideReport
from tandem_runtime.lock.model import facts
from tandem_runtime.lock.model.model_config import ModelConfig
from tandem_runtime.lock.verdict.inspect import Side

_BYTES_OF_DTYPE = {"float32": 4, "float16": 2, "bfloat16": 2, "float64": 8}


def report(side: Side, uri: str, revision: str | None, immutable: bool) -> SideReport:
    """The side as the pair report tells it."""
    known = SideReport(
        uri=uri,
        revision=revision,
        immutable=immutable,
        template_hash=side.template_hash,
        config_vocab_size=side.model.vocab_size,
        architecture=side.model.architecture,
        dtype=side.model.dtype,
        kv_bytes_per_token=_kv_bytes_per_token(side.model),
        mixture_of_experts=side.model.mixture_of_experts,
        remote_code=side.remote_code,
        pickle=side.pickle,
        files_digest=side.files_digest,
        facts=facts.of(side),
    )
    if side.weights is not None:
        known = replace(
            known,
            parameters=side.weights.parameters,
            weight_bytes=side.weights.size_bytes,
            dtype=side.weights.dtype,
        )
    if side.tokenizer is not None and side.fingerprint is not None:
        known = replace(
            known,
            tokenizer_digest=side.fingerprint.digest,
            vocab_hash=side.fingerprint.vocab_hash,
            specials_hash=side.fingerprint.specials_hash,
            encoder_hash=side.fingerprint.encoder_hash,
            vocab_size=len(side.tokenizer.ids),
        )
    return known


def _kv_bytes_per_token(model: ModelConfig) -> int | None:
    """With the cache in the model's own dtype; 2 bytes a number where that is not stated."""
    values = model.kv_values_per_token
    return None if values is None else values * _BYTES_OF_DTYPE.get(model.dtype or "", 2)
