"""How long a step really takes in the simulator.

Its form differs on purpose from the estimator's (`tandem_operator.tuning`): the knee is round,
token counts are padded to the sizes that graphs were captured for, a cliff stands where the
captured sizes end, steps are noisy and now and then one stalls. A tuner that is right only about
its own form is found out here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tandem_operator.simulation.world.draws import Draws

Floats = npt.NDArray[np.float64]
KNEE_ROUNDING = 0.06  # width of the rounding as a share of the knee; at 0 it is a hinge
_FAR = 30.0  # widths from the knee where rounding is nothing any more


@dataclass(frozen=True)
class Truth:
    """Step time in seconds by batch b, verified tokens n, context tokens C, drafted K, prefill.

    `base_s`: weights read once a step. `context_s`: a context token. `token_s`: a verified token
    below the knee, `knee_token_s` more above `knee_tokens`. `draft_start_s`: once when K > 0;
    `draft_pass_s` and `draft_token_s`: each of K passes, and each request in it. `sync_s`: keeping
    the draft's cache in step at K = 0. `prefill_s`: a prefill
    token, which weighs `prefill_weight` verified ones against the knee and the experts.
    `experts` and `active_experts`: of a mixture-of-experts model, with `expert_s` for each expert
    that a step touches; 0 for a dense one.
    """

    base_s: float
    token_s: float
    draft_pass_s: float
    context_s: float = 0.0
    knee_tokens: float = 256.0
    knee_token_s: float = 0.0
    draft_start_s: float = 0.0
    draft_token_s: float = 0.0
    sync_s: float = 0.0
    prefill_s: float = 0.0
    prefill_weight: float = 1.0
    experts: int = 0
    active_experts: int = 0
    expert_s: float = 0.0
    padding: int = 8
    captured_tokens: int = 512
    cliff: float = 0.12
    noise: float = 0.03
    stall_chance: float = 4e-4
    stall_s: float = 0.08

    def mean_s(
        self,
        batch: Floats,
        verified: Floats,
        context: Floats,
        drafted: Floats,
        prefill: Floats,
    ) -> Floats:
        """Mean step time in seconds, for arrays that broadcast against each other."""
        tokens = self.padded(verified)
        floor = self.base_s + self.context_s * context + self.token_s * tokens
        width = KNEE_ROUNDING * max(1.0, self.knee_tokens)
        above = (tokens + self.prefill_weight * prefill - self.knee_tokens) / width
        target = floor + self.knee_token_s * width * np.logaddexp(0.0, above)
        if self.experts:
            share = 1.0 - self.active_experts / self.experts
            target = target + self.expert_s * self.experts * (
                1.0 - share ** (tokens + self.prefill_weight * prefill)
            )
        target = np.where(tokens > self.captured_tokens, target * (1.0 + self.cliff), target)
        draft = np.where(
            drafted > 0,
            self.draft_start_s + drafted * (self.draft_pass_s + self.draft_token_s * batch),
            self.sync_s,
        )
        return np.asarray(target + draft + self.prefill_s * prefill, dtype=np.float64)

    def padded(self, tokens: Floats | np.float64) -> Floats:
        """Token counts as the engine runs them: powers of two up to `padding`, then multiples."""
        small = 2.0 ** np.ceil(np.log2(np.maximum(tokens, 1.0)))
        large = np.ceil(tokens / self.padding) * self.padding
        whole = np.where(tokens <= self.padding, small, large)
        return np.asarray(np.where(tokens > self.captured_tokens, tokens, whole), dtype=np.float64)

    def step_s(
        self, batch: int, verified: int, context: float, drafted: int, prefill: int
    ) -> float:
        """`mean_s` of one step, in plain numbers: the same formula, fifty times quicker."""
        if verified > self.captured_tokens:
            tokens = float(verified)
        elif verified <= self.padding:
            tokens = float(1 << max(0, verified - 1).bit_length())
        else:
            tokens = float(-(-verified // self.padding) * self.padding)
        floor = self.base_s + self.context_s * context + self.token_s * tokens
        width = KNEE_ROUNDING * max(1.0, self.knee_tokens)
        above = (tokens + self.prefill_weight * prefill - self.knee_tokens) / width
        if above < _FAR:
            above = math.log1p(math.exp(above)) if above > -_FAR else 0.0
        target = floor + self.knee_token_s * width * above
        if self.experts:
            share = 1.0 - self.active_experts / self.experts
            target += (
                self.expert_s
                * self.experts
                * (1.0 - share ** (tokens + self.prefill_weight * prefill))
            )
        if tokens > self.captured_tokens:
            target *= 1.0 + self.cliff
        if drafted > 0:
            drafting = self.draft_pass_s + self.draft_token_s * batch
            target += self.draft_start_s + drafted * drafting
        else:
            target += self.sync_s
        return target + self.prefill_s * prefill

    def parts_s(self, batch: int, drafted: int) -> tuple[float, float, float, float, float]:
        """What `step_s` is made of beside context, where all verify what was drafted, no prefill.

        (tokens, knee, experts, cliff, draft): the step takes
        (base_s + context_s * context + tokens + knee + experts) * cliff + draft.
        """
        tokens = float(self.padded(np.float64(batch * (drafted + 1))))
        width = KNEE_ROUNDING * max(1.0, self.knee_tokens)
        above = (tokens - self.knee_tokens) / width
        if above < _FAR:
            above = math.log1p(math.exp(above)) if above > -_FAR else 0.0
        touched = 0.0
        if self.experts:
            share = 1.0 - self.active_experts / self.experts
            touched = self.expert_s * self.experts * (1.0 - share**tokens)
        draft = self.sync_s
        if drafted > 0:
            drafting = self.draft_pass_s + self.draft_token_s * batch
            draft = self.draft_start_s + drafted * drafting
        cliff = 1.0 + self.cliff if tokens > self.captured_tokens else 1.0
        return self.token_s * tokens, self.knee_token_s * width * above, touched, cliff, draft

    def noisy_s(self, mean_s: float, draws: Draws) -> float:
        """One step around its mean: normal noise, and rarely a stall."""
        factor = 1.0 + self.noise * draws.normal()
        stalled = draws.one() < self.stall_chance
        stall = self.stall_s * draws.exponential() if stalled else 0.0
        return mean_s * max(0.5, factor) + stall
