"""Everything that the lock wants to know of one side, from its folder alone."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from tandem_runtime.contract import pod_lock
from tandem_runtime.contract.report import SideReport
from tandem_runtime.lock import (
    choose,
    fingerprint,
    locked_files,
    model_config,
    refusal,
    specials,
    strict_json,
    trimmed_vocabulary,
    weights,
)
from tandem_runtime.lock.chat_template import template_hash
from tandem_runtime.lock.choose import Known
from tandem_runtime.lock.fingerprint import Fingerprint
from tandem_runtime.lock.folder import ModelFolder
from tandem_runtime.lock.formats import added
from tandem_runtime.lock.model_config import ModelConfig
from tandem_runtime.lock.refusal import CannotLookError, RefusedError
from tandem_runtime.lock.specials import Configs
from tandem_runtime.lock.tokenizer import Tokenizer
from tandem_runtime.lock.trimmed_vocabulary import Trimmed
from tandem_runtime.lock.weights import Weights

_BYTES_OF_DTYPE = {"float32": 4, "float16": 2, "bfloat16": 2, "float64": 8}


@dataclass(frozen=True)
class Side:
    """What was found. `refused` is why the files cannot be judged; then little else is set."""

    tokenizer: Tokenizer | None = None
    fingerprint: Fingerprint | None = None
    specials: Mapping[str, object] = field(default_factory=dict)
    template_hash: str | None = None
    config: Mapping[str, Any] | None = None
    model: ModelConfig = field(default_factory=ModelConfig)
    weights: Weights | None = None
    trimmed: Trimmed | None = None
    remote_code: bool = False
    pickle: bool = False
    files_digest: str | None = None
    refused: RefusedError | None = None


def at(
    folder: ModelFolder,
    remote_weights: Weights | None = None,
    tokenizer_folder: ModelFolder | None = None,
    known: Known | None = None,
) -> Side:
    """Look at one model.

    Args:
        remote_weights: tensors, where the weights' files are not in the folder.
        tokenizer_folder: where another source's tokenizer replaces this one's.
        known: tokenizers of sides that were looked at before; this one's is put into it.

    Raises:
        CannotLookError: LockFailed where reading fails that was allowed, or memory is short.
    """
    try:
        with _collector_paused():
            return _at(folder, remote_weights, tokenizer_folder, {} if known is None else known)
    except OSError as error:
        raise CannotLookError(refusal.LOCK_FAILED, f"{folder.root}: {error}") from error
    except MemoryError as error:
        raise CannotLookError(
            refusal.LOCK_FAILED, f"{folder.root}: too little memory, a gibibyte is always enough"
        ) from error


@contextmanager
def _collector_paused() -> Iterator[None]:
    """A tokenizer makes millions of objects and no cycle: looking for cycles doubles the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _at(
    folder: ModelFolder,
    remote_weights: Weights | None,
    tokenizer_folder: ModelFolder | None,
    known: Known,
) -> Side:
    remote_code = pickle = False
    try:
        configs = _configs(folder)
        tokenizer_configs = _configs(tokenizer_folder) if tokenizer_folder else configs
        remote_code = model_config.runs_code(folder, configs.config, tokenizer_configs.tokenizer)
        pickle = model_config.has_pickle_only(folder)
        model = model_config.read(configs.config)
        tensors = remote_weights or weights.read(folder)
        source = tokenizer_folder or folder
        more = added.configured("tokenizer_config.json", tokenizer_configs.tokenizer)
        tokenizer = choose.read(source, more, known)
        merged = Configs(
            configs.config,
            configs.generation,
            tokenizer_configs.tokenizer,
            tokenizer_configs.special_tokens,
        )
        stated = {} if tokenizer is None else specials.facts(tokenizer, merged)
        return Side(
            tokenizer=tokenizer,
            fingerprint=None
            if tokenizer is None
            else fingerprint.take(tokenizer, stated, specials.unknown(stated)),
            specials=stated,
            template_hash=template_hash(source, tokenizer_configs.tokenizer, tokenizer),
            config=configs.config,
            model=model,
            weights=tensors,
            trimmed=trimmed_vocabulary.read(folder, tensors),
            remote_code=remote_code,
            pickle=pickle,
            files_digest=pod_lock.files_digest(locked_files.digests(folder)),
        )
    except RefusedError as error:
        # Without its traceback, which would keep all that was read alive.
        plain = RefusedError(error.reason, str(error))
        return Side(remote_code=remote_code, pickle=pickle, refused=plain)


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


def _configs(folder: ModelFolder) -> Configs:
    def read(name: str) -> dict[str, Any] | None:
        if not folder.holds(name):
            return None
        return strict_json.read_object(folder, name, strict_json.MAX_CONFIG_BYTES)

    return Configs(
        config=read("config.json"),
        generation=read("generation_config.json"),
        tokenizer=read("tokenizer_config.json"),
        special_tokens=read("special_tokens_map.json"),
    )
