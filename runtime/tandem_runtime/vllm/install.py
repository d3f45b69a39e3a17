"""The entry point that vLLM loads in each of its processes, and the copy that a pod mounts.

A folder with the copy on PYTHONPATH is all that an engine needs: the metadata beside the package
makes `register` one of vLLM's general plugins.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from tandem_runtime.contract import environment, paths
from tandem_runtime.plugin.copying import copy_packages
from tandem_runtime.plugin.digests import check_or_exit
from tandem_runtime.plugin.version import PLUGIN_VERSION
from tandem_runtime.vllm import drafter, request_fields, start_schedule
from tandem_runtime.vllm.support import running_version

PLUGIN = "tandem"
"""The plugin's name; a `VLLM_PLUGINS` that is set must list it."""
_COPIED = ("contract", "plugin", "vllm")
_WRAPPED = "_tandem_live_depth"
_HOLDERS = ("vllm.entrypoints.serve.instrumentator.metrics",)
"""Modules that hold vLLM's registry function under its own name once they are loaded."""

_log = logging.getLogger("vllm.tandem")


def register() -> None:
    """What vLLM calls at start, more than once. Raises SystemExit when locked files changed.

    Whatever else fails leaves vLLM as it is, with the reason in `tandem:info`.
    """
    check_or_exit()
    reason = _reason_of(_wrap_scheduler)
    if reason:
        _log.warning("tandem: disabled: %s", reason)
    for change in (_take_away_start_schedule, _wrap_drafter):
        failed = _reason_of(change)
        if failed:
            _log.info("tandem: %s", failed)
    failed = _reason_of(lambda: _serve(reason))
    if failed:
        _log.warning("tandem: no metrics: %s", failed)


def copy_to(folder: Path) -> None:
    """Put the plugin into `folder`, so that the folder on PYTHONPATH is enough. Raises OSError."""
    copy_packages(folder, _COPIED)
    metadata = folder / f"tandem_plugin-{PLUGIN_VERSION}.dist-info"
    metadata.mkdir(exist_ok=True)
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: tandem-plugin\nVersion: {PLUGIN_VERSION}\n"
    )
    (metadata / "entry_points.txt").write_text(
        f"[vllm.general_plugins]\n{PLUGIN} = tandem_runtime.vllm.install:register\n"
    )


def _reason_of(action: Callable[[], None]) -> str:
    """Why the action failed; "" when it did not."""
    try:
        action()
    except Exception as error:  # noqa: BLE001 (an unknown vLLM must serve as without the plugin)
        return f"{type(error).__name__}: {error}"[:120]
    return ""


def _wrap_scheduler() -> None:
    from vllm.config import SchedulerConfig

    from tandem_runtime.vllm.scheduler import with_live_depth

    original = SchedulerConfig.get_scheduler_cls
    if getattr(original, _WRAPPED, False):
        return

    @wraps(original)
    def get_scheduler_cls(self: Any) -> Any:
        return with_live_depth(original(self))

    setattr(get_scheduler_cls, _WRAPPED, True)
    SchedulerConfig.get_scheduler_cls = get_scheduler_cls


def _take_away_start_schedule() -> None:
    start_schedule.take_away(running_version())


def _wrap_drafter() -> None:
    drafter.install(running_version(), _folder())


def _folder() -> Path:
    return Path(os.environ.get(environment.METRICS_DIR) or paths.METRICS)


def _serve(disabled: str) -> None:
    """What the API process adds: the metrics page, and that it reads our fields of requests.

    Request classes are wrapped when vLLM asks for the page's registry, which it does once they
    are loaded and which no other process does.
    """
    from prometheus_client import REGISTRY
    from prometheus_client.multiprocess import MultiProcessCollector
    from vllm.v1.metrics import prometheus

    from tandem_runtime.plugin.metrics.collector import Collector

    original = prometheus.get_prometheus_registry
    if getattr(original, _WRAPPED, False):
        return
    collector = Collector(_folder(), disabled, PLUGIN_VERSION)
    collect = MultiProcessCollector.collect

    @wraps(original)
    def get_prometheus_registry() -> Any:
        if not request_fields.install():
            _log.warning(
                "tandem: this vLLM's requests have no own fields: vllm_xargs is read alone"
            )
        return original()

    @wraps(collect)
    def collect_all(self: Any) -> Any:
        # With several API servers the page is made of files, by registries that know no collectors.
        return [*collect(self), *collector.collect()]

    setattr(get_prometheus_registry, _WRAPPED, True)
    prometheus.get_prometheus_registry = get_prometheus_registry
    for module in _HOLDERS:
        if hasattr(sys.modules.get(module), original.__name__):
            setattr(sys.modules[module], original.__name__, get_prometheus_registry)
    MultiProcessCollector.collect = collect_all
    REGISTRY.register(collector)
