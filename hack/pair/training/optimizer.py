"""One optimiser for both trainings: AdamW, warm-up, cosine decay, progress on stdout."""

from __future__ import annotations

import math
import time

import torch

_WARM_UP_STEPS = 40
_REPORT_EVERY = 50


class Optimizer:
    """Carries one model down its loss for a fixed number of steps."""

    def __init__(self, model: torch.nn.Module, steps: int, peak_rate: float, name: str) -> None:
        self._model = model
        self._name = name
        self._steps = steps
        self._done = 0
        self._started_s = time.monotonic()
        self._optimiser = torch.optim.AdamW(
            model.parameters(), lr=peak_rate, betas=(0.9, 0.95), weight_decay=0.05
        )
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimiser, self._rate)

    def step(self, loss: torch.Tensor) -> None:
        """Follow the loss' gradient once."""
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
        self._optimiser.step()
        self._schedule.step()
        self._optimiser.zero_grad(set_to_none=True)
        self._done += 1
        if self._done % _REPORT_EVERY == 0 or self._done == self._steps:
            elapsed_s = time.monotonic() - self._started_s
            print(
                f"{self._name} {self._done}/{self._steps}: loss {loss.item():.3f}, "
                f"{elapsed_s:.0f} s",
                flush=True,
            )

    def _rate(self, step: int) -> float:
        if step < _WARM_UP_STEPS:
            return (step + 1) / _WARM_UP_STEPS
        part = (step - _WARM_UP_STEPS) / max(1, self._steps - _WARM_UP_STEPS)
        return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, part)))
