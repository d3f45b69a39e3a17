"""Self-speculation: the target's first layers draft, its head reads them early.

LayerSkip (Elhoushi et al., arXiv 2404.16710). The drafts' keys and values of those layers go into
the target's own cache; the verification writes the same ones again with all the others, so nothing
has to be caught up and nothing else is held in memory.
"""

from __future__ import annotations

from collections.abc import Sequence as Listed

from tandem_runtime.engine.batch import Piece
from tandem_runtime.engine.drafters import autoregressive
from tandem_runtime.engine.drafters.drafter import Wish
from tandem_runtime.engine.kv_cache import KVCache
from tandem_runtime.engine.sequence import Sequence
from tandem_runtime.engine.settings import SettingsError
from tandem_runtime.engine.transformer.model import Model
from tandem_runtime.engine.verification import Draft


class LayerSkip:
    """Drafts by the first `exit_layer` layers of the target."""

    def __init__(self, target: Model, cache: KVCache, exit_layer: int) -> None:
        """Raises SettingsError when the target has no layer left after the exit."""
        if not 1 <= exit_layer < target.config.layers:
            raise SettingsError(
                f"--exit-layer {exit_layer}: the target has {target.config.layers} layers; it must "
                f"be 1 to {target.config.layers - 1}"
            )
        self._target = target
        self._cache = cache
        self._exit_layer = exit_layer

    def propose(self, wishes: Listed[Wish], budget: int) -> list[Draft]:
        """As `Drafter.propose`; there is nothing to catch up with."""
        first = [
            Piece(wish.sequence.tokens[-1:], wish.sequence.computed, wish.sequence.blocks)
            for wish in wishes
        ]
        return autoregressive.chain(
            lambda pieces: autoregressive.run(self._target, self._cache, self._exit_layer, pieces),
            wishes,
            first,
        )

    def accepted(self, sequence: Sequence, drafted: int, stayed: int) -> None:
        """Nothing is kept beside the target's own cache."""
