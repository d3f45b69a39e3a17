"""How long a step takes: T(batch, K, context, prefill), fitted to measured cells.

    T = d + beta C + g n + sum_h g_h max(0, n + f p - h) + [K > 0] d_s + K (d_0 + d_1 b) + q p
        + g_e E_act(n + f p)

with b decoding requests, C their context tokens, n = b (K + 1) verified tokens and p prefill
tokens, of which each weighs f verified ones (the best fitting of `PREFILL_WEIGHTS`). Where every
step carries prefill this is what tells the price of a verified token. Several hinges h at once, all
coefficients non-negative: a convex, piecewise linear roofline whose knee needs no search. For a
mixture of experts, E_act(n) = E (1 - (1 - k/E)^(rho n)) experts are touched (arXiv 2505.19645), for
two values of rho.

The fit is ridge on relative error, sum w (x theta / T - 1)^2 + sum ((theta - mu)/sigma)^2, solved
under theta >= 0 by active sets. Priors are in units of the fastest step seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tandem_operator.tuning import arrays as np
from tandem_operator.tuning.arrays import Floats
from tandem_operator.tuning.step_time.cells import KNEE_TOKENS, Steps
from tandem_operator.tuning.step_time.context import ContextPrice

HINGES = (4.0, 8.0, 16.0, 32.0, 64.0, 96.0, 128.0, 192.0, 256.0, 384.0, 512.0)
OVERLAPS = (0.35, 1.0)
PREFILL_WEIGHTS = (1.0, 0.55, 0.3)
_BETTER_BY = 2.0
STEP_NOISE = 0.08
LEAST_STEP_S = 1e-6
"""A fit may say that a step costs nothing; what is divided by it, is by this."""
_PLAIN = 7
"""Features before the hinges."""
_CONTEXT = 1
_DRAFTING = slice(3, 6)
"""Features whose price is that of drafts."""
NO_PRICE = ContextPrice()
_MOST_PIVOTS = 40


@dataclass(frozen=True)
class Coefficients:
    """theta, seconds by feature; empty before the first fit."""

    theta: tuple[float, ...]
    experts: tuple[int, int] | None = None
    prefill_weight: float = 1.0


def features(kinds: Floats, experts: tuple[int, int] | None, prefill_weight: float) -> Floats:
    """One row of features for each kind of step.

    ``kinds`` has a row each for batch, depth, drafting, context, verified, prefill and its share,
    as in `Steps`, and a column a kind.
    """
    batch, depth, drafting, context, verified, prefill, prefill_share = kinds
    with_chunk = verified + prefill_weight * prefill
    share = prefill_share[:, None]
    hinges = np.array(HINGES)
    quiet = np.maximum(0.0, verified[:, None] - hinges)
    busy = np.maximum(0.0, with_chunk[:, None] - hinges)
    rows = np.empty((len(batch), _size(experts)))
    rows[:, 0] = 1.0
    rows[:, 1] = context
    rows[:, 2] = verified
    rows[:, 3] = drafting
    rows[:, 4] = depth
    rows[:, 5] = depth * batch
    rows[:, 6] = prefill * prefill_share
    rows[:, _PLAIN : _PLAIN + len(HINGES)] = quiet + share * (busy - quiet)
    if experts is not None:
        total, active = experts
        left = 1.0 - active / total
        for place, rho in enumerate(OVERLAPS, start=_PLAIN + len(HINGES)):
            untouched = (1.0 - prefill_share) * left ** (rho * verified)
            untouched += prefill_share * left ** (rho * with_chunk)
            rows[:, place] = total * (1.0 - untouched)
    return rows


def _size(experts: tuple[int, int] | None) -> int:
    return _PLAIN + len(HINGES) + (0 if experts is None else len(OVERLAPS))


def prior(
    fastest_s: float, experts: tuple[int, int] | None, drafts_all: bool = False
) -> tuple[Floats, Floats]:
    """Means and deviations of theta before anything is measured, in units of the fastest step.

    ``drafts_all``: a step at K=0 makes all drafts too, so their price is in d and not in K.
    """
    means = [0.85, 0.0, 2e-4, 0.03, 0.06, 2e-4, 1e-5]
    if drafts_all:
        means[_DRAFTING] = [0.0] * 3
    widths = [0.4, 6e-6, 2e-3, 0.06, 0.06, 2e-3, 1e-4]
    hinges = [0.0] * len(HINGES)
    hinge_widths = [0.02, 0.012, *[0.006] * (len(HINGES) - 2)]
    if experts is not None:
        means[0] = 0.5
        hinges += [0.15 / experts[0], 0.15 / experts[0]]
        hinge_widths += [0.8 / experts[0], 0.8 / experts[0]]
    else:
        hinges[HINGES.index(192.0)] = 3e-3
    return (
        fastest_s * np.array(means + hinges),
        fastest_s * np.array(widths + hinge_widths),
    )


def matrix(
    cells: Sequence[Steps], experts: tuple[int, int] | None, prefill_weight: float
) -> Floats:
    """Features of measured cells."""
    kinds = np.array([cell[6:13] for cell in cells], dtype=np.float64).T
    return features(kinds, experts, prefill_weight)


def kinds_of(
    batch: Floats, depth: Floats, context_per_request: float, prefill_tokens: float = 0.0
) -> Floats:
    """Kinds of step at these batches and depths, all with as much context and prefill."""
    return np.array(
        [
            batch,
            depth,
            depth > 0,
            batch * context_per_request,
            batch * (depth + 1.0),
            np.full_like(batch, prefill_tokens),
            np.full_like(batch, float(prefill_tokens > 0)),
        ]
    )


def unit_s(cells: Sequence[Steps]) -> float | None:
    """The fastest step, less what prefill adds to it where the knee is the usual one."""
    return min(
        (cell.seconds / (1.0 + cell.prefill_share * cell.prefill / KNEE_TOKENS) for cell in cells),
        default=None,
    )


def fit(
    cells: Sequence[Steps],
    fastest_s: float,
    experts: tuple[int, int] | None,
    context_price: ContextPrice = NO_PRICE,
    drafts_all: bool = False,
) -> Coefficients:
    """The coefficients for these cells; the prior's means without any."""
    means, widths = prior(fastest_s, experts, drafts_all)
    widths[_CONTEXT] = max(widths[_CONTEXT], context_price.believed_s or 0.0)
    gram = np.diag(1.0 / widths**2)
    moment = means / widths**2
    gram[_CONTEXT, _CONTEXT] += context_price.squares
    moment[_CONTEXT] += context_price.products
    best, least = Coefficients(tuple(map(float, means)), experts), np.inf
    if not cells:
        return best
    seconds = np.array([cell.seconds for cell in cells])
    variance = _variance(cells)
    mixed = any(cell.prefill_share > 0 for cell in cells)
    for weight in PREFILL_WEIGHTS if mixed else PREFILL_WEIGHTS[:1]:
        rows = matrix(cells, experts, weight) / seconds[:, None]
        weighted = rows / variance[:, None]
        theta = non_negative(gram + weighted.T @ rows, moment + weighted.sum(axis=0), widths)
        if not np.isfinite(theta).all():
            continue
        misfit = float(np.sum((rows @ theta - 1.0) ** 2 / variance))
        misfit += float(np.sum(((theta - means) / widths) ** 2))
        if misfit < least - _BETTER_BY:
            best, least = Coefficients(tuple(map(float, theta)), experts, weight), misfit
    return best


def gram(cells: Sequence[Steps], known: Coefficients, fastest_s: float) -> Floats:
    """The Gram matrix of the fit that gave ``known``: the inverse covariance of theta."""
    _, widths = prior(fastest_s, known.experts)
    whole = np.diag(1.0 / widths**2)
    if not cells:
        return whole
    seconds = np.array([cell.seconds for cell in cells])
    rows = matrix(cells, known.experts, known.prefill_weight) / seconds[:, None]
    return np.asarray(whole + (rows / _variance(cells)[:, None]).T @ rows)


def _variance(cells: Sequence[Steps]) -> Floats:
    return np.array([cell.form_error**2 + STEP_NOISE**2 / cell.steps for cell in cells])


def predicted_s(known: Coefficients, rows: Floats) -> Floats:
    """Seconds of each row of features."""
    return np.asarray(rows @ np.array(known.theta))


def seconds_of(known: Coefficients, cells: Sequence[Steps]) -> Floats:
    """Seconds of a step of each of these kinds."""
    return predicted_s(known, matrix(cells, known.experts, known.prefill_weight))


def non_negative(gram: Floats, moment: Floats, scale: Floats) -> Floats:
    """argmin over theta >= 0 of theta' G theta / 2 - m' theta, by active sets (Lawson, Hanson)."""
    gram = gram * scale[:, None] * scale[None, :]
    moment = moment * scale
    size = len(moment)
    free = np.ones(size, dtype=bool)
    theta = np.zeros(size)
    for _ in range(_MOST_PIVOTS):
        index = np.flatnonzero(free)
        theta = np.zeros(size)
        theta[index] = np.linalg.solve(gram[np.ix_(index, index)], moment[index])
        if (theta[index] < 0).any():
            free &= theta > 0
            continue
        pull = moment - gram @ theta
        pull[free] = 0.0
        worst = int(np.argmax(pull))
        if pull[worst] <= 1e-9 * (1.0 + abs(moment[worst])):
            break
        free[worst] = True
    return np.maximum(theta, 0.0) * scale
