"""The engine's own thread, and how requests reach it from the event loop and answers come back."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections import deque
from collections.abc import Callable

from tandem_runtime.engine.engine import Engine, Output, StepOutput
from tandem_runtime.engine.sequence import Sequence

_SWITCH_S = 0.0005
"""How long the event loop may keep the interpreter from the engine, which gives it up often."""

_log = logging.getLogger("tandem.engine")


class Worker:
    """All public methods but `start` are called in the event loop."""

    def __init__(self, engine: Engine, on_step: Callable[[StepOutput], None]) -> None:
        """`on_step` is called in the event loop after each step."""
        self.failure = ""
        self._engine = engine
        self._on_step = on_step
        self._commands: deque[tuple[Callable[[Sequence], None], Sequence]] = deque()
        self._wake = threading.Event()
        self._stopping = False
        self._listeners: dict[Sequence, asyncio.Queue[Output]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="tandem-engine", daemon=True)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to serve; answers come back in `loop`."""
        sys.setswitchinterval(_SWITCH_S)
        self._loop = loop
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the step that runs."""
        self._stopping = True
        self._wake.set()
        self._thread.join()

    @property
    def open(self) -> int:
        """Requests that somebody waits for."""
        return len(self._listeners)

    def submit(self, sequence: Sequence, listener: asyncio.Queue[Output]) -> None:
        """Hand a request over; its outputs come through `listener`."""
        self._listeners[sequence] = listener
        self._send(self._engine.add, sequence)

    def cancel(self, sequence: Sequence) -> None:
        """Nobody waits for the rest; nothing happens when it is over already."""
        if self._listeners.pop(sequence, None) is not None:
            self._send(self._engine.cancel, sequence)

    def _send(self, command: Callable[[Sequence], None], sequence: Sequence) -> None:
        self._commands.append((command, sequence))
        self._wake.set()

    def _run(self) -> None:
        assert self._loop is not None
        try:
            while not self._stopping:
                self._wake.clear()
                while self._commands:
                    command, sequence = self._commands.popleft()
                    command(sequence)
                if self._engine.busy:
                    self._loop.call_soon_threadsafe(self._deliver, self._engine.step())
                else:
                    self._wake.wait()
        except Exception as error:  # noqa: BLE001 (whatever it is, those who wait must be told)
            _log.exception("the engine has failed")
            self._loop.call_soon_threadsafe(self._fail, f"{type(error).__name__}: {error}")

    def _deliver(self, step: StepOutput) -> None:
        self._on_step(step)
        for output in step.outputs:
            listener = self._listeners.get(output.sequence)
            if listener is not None:
                listener.put_nowait(output)
                if output.finish_reason is not None:
                    del self._listeners[output.sequence]

    def _fail(self, reason: str) -> None:
        """No step will come: everybody who waits is told, and the health check from now on."""
        self.failure = reason
        for sequence, listener in self._listeners.items():
            listener.put_nowait(Output(sequence, [], None, "error"))
        self._listeners.clear()
