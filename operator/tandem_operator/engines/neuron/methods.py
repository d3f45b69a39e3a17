"""The methods of vLLM on Neuron (AWS's plugin, 0.21 to 0.24), and why it lacks the others."""

from tandem_operator.api.spec import Method

METHODS = {Method.EAGLE3: "eagle3"}

_ELSEWHERE = "use method Eagle3 with an EAGLE-3 head, or engine.type: vLLM"
_NOT_THERE = "AWS's plugin drafts with EAGLE-3 heads and with DFlash alone"
LACKING = {
    Method.DRAFT_MODEL: (
        "AWS's plugin has no draft models since Neuron 2.31; the older images, which have them, "
        "hold a vLLM before 0.18, which runs code of a repository that it was told not to trust",
        _ELSEWHERE,
    ),
    Method.EAGLE: (
        "AWS's plugin has no EAGLE-1 heads since Neuron 2.31; the older images, which have them, "
        "hold a vLLM before 0.18, which runs code of a repository that it was told not to trust",
        _ELSEWHERE,
    ),
    Method.MTP: (_NOT_THERE, _ELSEWHERE),
    Method.N_GRAM: (_NOT_THERE, _ELSEWHERE),
    Method.SUFFIX: (_NOT_THERE, _ELSEWHERE),
    Method.MEDUSA: (_NOT_THERE, _ELSEWHERE),
    Method.LAYER_SKIP: (_NOT_THERE, "use method Eagle3, or engine.type: Torch"),
    Method.DFLASH: ("this release does not drive it on Neuron", _ELSEWHERE),
    Method.DSPARK: (_NOT_THERE, _ELSEWHERE),
}
"""What is wrong and what to do instead, for each other method."""
