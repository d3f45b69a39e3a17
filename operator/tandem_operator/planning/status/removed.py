"""What is told of pods that run without the draft: why, since when, what it frees, what comes."""

from __future__ import annotations

from datetime import UTC

from tandem_operator.planning.rollout.form import PodForm
from tandem_operator.planning.rollout.state import Form
from tandem_runtime.contract.report import SideReport

UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def message(form: PodForm) -> str:
    """One sentence each; sizes are those of the lock's report."""
    state = form.state
    since = "" if state.since is None else f" since {state.since.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
    draft = form.revision.report.draft
    what = "speculation" if draft is None else "the draft"
    cause = f" ({state.cause})" if state.cause else ""
    parts = [f"{what} is not loaded{cause}", freed(draft)]
    if state.form is Form.CANARY:
        parts.append(f"one canary pod measures{since}: {state.message}")
        if form.canary.waiting is not None:
            parts.append(form.canary.waiting)
    elif state.form is Form.LOADED:
        parts.append("the pods load it again when the canary is gone")
    else:
        parts.append(f"so{since}: {state.message}")
    return "; ".join(part for part in parts if part)


def freed(draft: SideReport | None) -> str:
    """The memory that a replica has more."""
    if draft is None or draft.weight_bytes is None:
        return ""
    text = f"each replica has {_size(draft.weight_bytes)} more memory"
    if draft.kv_bytes_per_token:
        text += f", and {_size(draft.kv_bytes_per_token)} more for each token in the KV cache"
    return text


def _size(amount: int) -> str:
    for unit, name in UNITS:
        if amount >= unit:
            return f"{amount / unit:.1f} {name}"
    return f"{amount} bytes"
