"""What every source gives: files in a folder, and under which identity they were found."""

from __future__ import annotations

from dataclasses import dataclass

from tandem_runtime.lock.files.folder import ModelFolder
from tandem_runtime.lock.model.weights import Weights


@dataclass(frozen=True)
class FetchedModel:
    """One side's tokenizer and configuration files.

    `revision` is None where the files' own digest is the only identity. `weights` is what a hub
    says of weights that were left there.
    """

    folder: ModelFolder
    revision: str | None = None
    immutable: bool = False
    weights: Weights | None = None
