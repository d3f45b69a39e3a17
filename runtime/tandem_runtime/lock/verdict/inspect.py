"""Everything that the lock wants to know of one side, from its folder alone."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tandem_runtime.contract import pod_lock
from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.draft import kind, trimmed_vocabulary
from tandem_runtime.lock.draft.kind import Kind
from tandem_runtime.lock.draft.trimmed_vocabulary import Trimmed
from tandem_runtime.lock.errors import CannotInspectError, RefusedError
from tandem_runtime.lock.files import locked_files, strict_json
from tandem_runtime.lock.files.folder import ModelFolder
from tandem_runtime.lock.fingerprint import fingerprint, special_tokens
from tandem_runtime.lock.fingerprint.chat_template import template_hash
from tandem_runtime.lock.fingerprint.fingerprint import Fingerprint
from tandem_runtime.lock.fingerprint.special_tokens import Configs
from tandem_runtime.lock.fingerprint.tokenizer import Tokenizer
from tandem_runtime.lock.formats import detect_format
from tandem_runtime.lock.formats.detect_format import Known
from tandem_runtime.lock.formats.parts import added
from tandem_runtime.lock.model import missing_weights, model_card, model_config, shards, weights
from tandem_runtime.lock.model.model_config import ModelConfig
from tandem_runtime.lock.model.shards import Index
from tandem_runtime.lock.model.weights import Tensor, Weights


@dataclass(frozen=True)
class Side:
    """What was found. `refused` is why the files cannot be judged; then little else is set.

    `names` are those of the model's files. `tensor_names` are all that headers and index tell, also
    of files that were not brought. `card_bases` are the models that its model card names.
    """

    tokenizer: Tokenizer | None = None
    fingerprint: Fingerprint | None = None
    special_tokens: Mapping[str, object] = field(default_factory=dict)
    template_hash: str | None = None
    config: Mapping[str, Any] | None = None
    model: ModelConfig = field(default_factory=ModelConfig)
    weights: Weights | None = None
    trimmed: Trimmed | None = None
    remote_code: bool = False
    pickle: bool = False
    files_digest: str | None = None
    names: tuple[str, ...] = ()
    tensor_names: Collection[str] = ()
    generation: Mapping[str, Any] | None = None
    kind: Kind = kind.NOT_KNOWN
    card_bases: tuple[str, ...] = ()
    refused: RefusedError | None = None


def at(
    folder: ModelFolder,
    remote_weights: Weights | None = None,
    tokenizer_folder: ModelFolder | None = None,
    known: Known | None = None,
) -> Side:
    """Inspect one model.

    Args:
        remote_weights: tensors, where the weights' files are not in the folder.
        tokenizer_folder: where another source's tokenizer replaces this one's.
        known: tokenizers of sides that were inspected before; this one's is put into it.

    Raises:
        CannotInspectError: LockFailed where reading fails that was allowed, or memory is short.
    """
    try:
        with _collector_paused():
            return _at(folder, remote_weights, tokenizer_folder, {} if known is None else known)
    except OSError as error:
        raise CannotInspectError(lock_errors.LOCK_FAILED, f"{folder.root}: {error}") from error
    except MemoryError as error:
        raise CannotInspectError(
            lock_errors.LOCK_FAILED,
            f"{folder.root}: too little memory, a gibibyte is always enough",
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
        if pickle:
            model_config.refuse_pointers(folder)
        model = model_config.read(configs.config)
        tensors = remote_weights or weights.read(folder)
        index = _index(folder, tensors)
        source = tokenizer_folder or folder
        more = added.configured("tokenizer_config.json", tokenizer_configs.tokenizer)
        tokenizer = detect_format.read(source, more, known)
        merged = Configs(
            configs.config,
            configs.generation,
            tokenizer_configs.tokenizer,
            tokenizer_configs.special_tokens,
        )
        stated = {} if tokenizer is None else special_tokens.facts(tokenizer, merged)
        tensor_table = {} if tensors is None else tensors.tensors
        of_kind = kind.of(configs.config, tensor_table, folder.names, tokenizer is not None)
        tensor_names = _tensor_names(index, tensor_table)
        if of_kind.kind is not None and of_kind.kind.name == "Model":
            _check_declared(configs.config, tensor_names, tensor_table)
        return Side(
            tokenizer=tokenizer,
            fingerprint=None
            if tokenizer is None
            else fingerprint.take(tokenizer, stated, special_tokens.unknown(stated)),
            special_tokens=stated,
            template_hash=template_hash(source, tokenizer_configs.tokenizer, tokenizer),
            config=configs.config,
            model=model,
            weights=tensors,
            trimmed=trimmed_vocabulary.read(folder, tensors),
            remote_code=remote_code,
            pickle=pickle,
            files_digest=pod_lock.files_digest(locked_files.digests(folder)),
            names=folder.names,
            tensor_names=tensor_names,
            generation=configs.generation,
            kind=of_kind,
            card_bases=model_card.bases(folder),
        )
    except RefusedError as error:
        # Without its traceback, which would keep all that was read alive.
        plain = RefusedError(error.reason, str(error))
        return Side(remote_code=remote_code, pickle=pickle, refused=plain)


def _index(folder: ModelFolder, file_weights: Weights | None) -> Index | None:
    """The index of the shards. Raises RefusedError where files lack what it lists."""
    index = shards.read(folder)
    if index is None:
        lost = shards.missing_parts(folder)
        if lost is not None:
            raise lock_errors.weights_missing("weights", lost)
        return None
    missing = shards.missing(index, folder, file_weights)
    if missing is not None:
        raise lock_errors.weights_missing(shards.INDEX, missing)
    return index


def _tensor_names(index: Index | None, tensor_table: Mapping[str, Tensor]) -> Collection[str]:
    return tensor_table.keys() if index is None else tensor_table.keys() | index.file_of.keys()


def _check_declared(
    config: Mapping[str, Any] | None, names: Collection[str], tensor_table: Mapping[str, Tensor]
) -> None:
    lost = missing_weights.lost_output(config, names)
    if lost is not None:
        raise lock_errors.weights_missing("weights", f"hold every layer, but {lost}")
    torn = missing_weights.torn(config, tensor_table)
    if torn is not None:
        raise lock_errors.weights_missing("weights", torn)


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
