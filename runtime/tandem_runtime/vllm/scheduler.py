"""A subclass of whichever scheduler vLLM would have built, with live K.

The base class differs with asynchronous scheduling, so it is taken from vLLM and never named. Each
hook is guarded: after three errors the plugin is off, says why, and vLLM serves as without it.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from tandem_runtime.contract import environment, metrics, paths
from tandem_runtime.plugin.table.plan import Limits, limits_of
from tandem_runtime.plugin.table.table_loader import TableLoader
from tandem_runtime.plugin.version import PLUGIN_VERSION
from tandem_runtime.plugin.watcher import Watcher
from tandem_runtime.vllm import drafter
from tandem_runtime.vllm.controller import Controller
from tandem_runtime.vllm.support import Support, running_version, support_of

MOST_ERRORS = 3

_log = logging.getLogger("vllm.tandem")


class Control:
    """The plugin's part of one scheduler: its live K, its watcher, and whether it still runs."""

    def __init__(self, scheduler: Any) -> None:
        self.support: Support = _support(scheduler)
        self.on = self.support.mode != metrics.MODE_DISABLED
        self.live = Controller(scheduler, self.support)
        self._scheduler = scheduler
        self._lookup = getattr(scheduler, "dynamic_sd_lookup", None)
        limits = limits_of(
            min(
                _integer(environment.MAX_TOKENS) or 1 << 20,
                getattr(scheduler, "num_spec_tokens", 0),
            ),
            os.environ.get(environment.TIERS),
        )
        self.watcher = Watcher(_loader(limits), _folder(), _engine(scheduler), self._content)
        self.watcher.start()
        if self.support.acts:
            # Set, it keeps vLLM from padding new requests to the deepest draft; what it answers
            # is what vLLM was started with, and `decided` puts the chosen depth over it.
            scheduler.dynamic_sd_lookup = self._lookup or _Always(scheduler.num_spec_tokens)
        _log.info("tandem: mode %s %s", self.support.mode, self.support.reason)

    def guarded(self, hook: Callable[..., None], *arguments: Any) -> None:
        """Call a hook of `live`; an error is counted and never reaches vLLM."""
        try:
            hook(*arguments)
        except Exception as error:  # noqa: BLE001 (what an unknown vLLM breaks must not end serving)
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        self.live.errors += 1
        _log.warning("tandem: error %d", self.live.errors, exc_info=error)
        if self.live.errors >= MOST_ERRORS:
            self.on = False
            self.support = Support(metrics.MODE_DISABLED, f"{type(error).__name__}: {error}"[:120])
            if hasattr(self._scheduler, "dynamic_sd_lookup"):
                self._scheduler.dynamic_sd_lookup = self._lookup

    def _content(self) -> dict[str, Any]:
        return {
            **self.live.content(self.support.mode, self.support.reason),
            "plugin": PLUGIN_VERSION,
            "applies": self.support.acts,
        }


class _Always:
    """Stands for vLLM's own table from batch to K where it was started without one."""

    def __init__(self, tokens: int) -> None:
        self._tokens = tokens

    def __getitem__(self, batch: int) -> int:
        return self._tokens


@cache
def with_live_depth(base: type[Any]) -> type[Any]:
    """The subclass of a vLLM scheduler class; the same one for the same base."""

    class Scheduler(base):  # type: ignore[misc]
        """vLLM's scheduler; `tandem` is None where the plugin could not start."""

        tandem: Control | None = None

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            try:
                self.tandem = Control(self)
            except Exception:  # noqa: BLE001 (the engine serves all the same)
                _log.exception("tandem: vLLM serves without live K")

        def add_request(self, request: Any, *arguments: Any, **options: Any) -> Any:
            added = super().add_request(request, *arguments, **options)
            control = self.tandem
            if control is not None and control.on:
                control.guarded(control.live.arrived, request)
            return added

        def schedule(self, *arguments: Any, **options: Any) -> Any:
            control = self.tandem
            if control is not None and control.on:
                control.guarded(control.live.before, control.watcher.plan)
            return super().schedule(*arguments, **options)

        def _update_after_schedule(self, scheduler_output: Any) -> Any:
            control = self.tandem
            if control is not None and control.on:
                control.guarded(control.live.decided, scheduler_output)
            return super()._update_after_schedule(scheduler_output)

        def update_from_output(self, scheduler_output: Any, model_runner_output: Any) -> Any:
            control = self.tandem
            if control is None or not control.on:
                return super().update_from_output(scheduler_output, model_runner_output)
            # Counted before vLLM cuts what follows a stop.
            sampled = list(map(len, model_runner_output.sampled_token_ids or ()))
            outputs = super().update_from_output(scheduler_output, model_runner_output)
            control.guarded(control.live.returned, scheduler_output, model_runner_output, sampled)
            return outputs

        def shutdown(self, *arguments: Any, **options: Any) -> Any:
            if self.tandem is not None:
                self.tandem.watcher.stop()
            return super().shutdown(*arguments, **options)

    Scheduler.__name__ = Scheduler.__qualname__ = f"Tandem{base.__name__}"
    Scheduler.__module__ = base.__module__
    return Scheduler


def _support(scheduler: Any) -> Support:
    """What the scheduler allows, with what its workers said of their drafters."""
    version = running_version()
    word = drafter.word(_folder())
    support = support_of(scheduler, version, follows=word == "")
    if word and support.mode == metrics.MODE_TRIM:
        return support._replace(reason=f"{support.reason}: {word}"[:120])
    return support


def _loader(limits: Limits) -> TableLoader | None:
    path = os.environ.get(environment.TABLE_FILE)
    return TableLoader(path, _lock_hash(), limits) if path else None


def _folder() -> Path:
    return Path(os.environ.get(environment.METRICS_DIR) or paths.METRICS)


def _engine(scheduler: Any) -> int:
    parallel = getattr(getattr(scheduler, "vllm_config", None), "parallel_config", None)
    return int(getattr(parallel, "data_parallel_index", getattr(parallel, "data_parallel_rank", 0)))


def _integer(name: str) -> int | None:
    text = os.environ.get(name, "")
    return int(text) if text.isdigit() else None


def _lock_hash() -> str:
    """The pod lock's hash; "" outside Tandem. A broken lock was refused before the model loaded."""
    try:
        lock = json.loads(os.environ.get(environment.LOCK) or "{}")
    except ValueError:
        return ""
    return str(lock.get("hash", "")) if isinstance(lock, dict) else ""
