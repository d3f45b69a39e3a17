"""The verdict on a target whose method has no draft beside it. Pure."""

from __future__ import annotations

from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.draft import mtp_layers
from tandem_runtime.lock.verdict import compare
from tandem_runtime.lock.verdict.compare import Comparison
from tandem_runtime.lock.verdict.inspect import Side

REASON = "NoDraft"
_DECLARES = "num_nextn_predict_layers or its like"
_LOADS_FEWER = ("mimo_v2", "mimo_v2_flash", "mimo_v2_pro", "mimo_v2_omni")
"""Types of which engines load the first layer, however many config.json counts."""


def evaluate(method: str, target: Side) -> Comparison:
    """Compatible, or for MTP why the target cannot draft for itself."""
    if method != "MTP":
        return Comparison(compare.COMPATIBLE, REASON, f"{method} drafts without another model")
    declared = mtp_layers.declared(target.config)
    layers_in_files = mtp_layers.in_files(target.config, target.tensor_names)
    if declared < 1:
        return Comparison(
            compare.INCOMPATIBLE,
            REASON,
            f"the target's config.json names no layer that predicts further tokens ({_DECLARES}), "
            "so it cannot draft for itself",
            advice="use another method",
        )
    if layers_in_files is None:
        return _unseen(target, declared)
    wanted = 1 if (target.config or {}).get("model_type") in _LOADS_FEWER else declared
    if layers_in_files < wanted:
        count = "none of them" if layers_in_files == 0 else f"{layers_in_files}"
        return Comparison(
            compare.INCOMPATIBLE,
            lock_errors.WEIGHTS_MISSING,
            f"the target's config.json declares {_layers(declared)} for MTP, and its files hold "
            f"tensors of {count}",
            advice="whoever quantised or converted it left them out: use a copy that keeps the MTP "
            "layers, or another method",
        )
    return Comparison(
        compare.COMPATIBLE, REASON, f"MTP drafts with {_layers(declared)} of the target"
    )


def _unseen(target: Side, declared: int) -> Comparison:
    if mtp_layers.is_known_type(target.config):
        return Comparison(
            compare.COMPATIBLE,
            REASON,
            f"MTP drafts with {_layers(declared)} of the target",
            advice="the names of its tensors are not known here, so nothing shows that the files "
            "hold these layers",
        )
    model_type = str((target.config or {}).get("model_type"))[:60]
    return Comparison(
        compare.UNKNOWN,
        REASON,
        f"the target's config.json declares {_layers(declared)} for MTP, but no model of type "
        f"{model_type} is known to have such layers, and no tensor shows them",
        advice="use another method",
    )


def _layers(count: int) -> str:
    return "1 layer" if count == 1 else f"{count} layers"
