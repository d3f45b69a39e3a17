"""The methods that SGLang has (0.5.23), in its own words, and why it lacks the others."""

from tandem_operator.api.spec import Method

METHODS = {
    Method.DRAFT_MODEL: "STANDALONE",
    Method.EAGLE: "EAGLE",
    Method.EAGLE3: "EAGLE3",
    Method.MTP: "NEXTN",
    Method.N_GRAM: "NGRAM",
}
ADAPTIVE = frozenset({Method.EAGLE, Method.EAGLE3, Method.MTP})
"""Methods whose number of steps SGLang can change by itself; with others it turns that off."""

_ELSEWHERE = "use engine.type: vLLM, or another method"
LACKING = {
    Method.SUFFIX: ("SGLang has no such method", _ELSEWHERE),
    Method.MEDUSA: ("SGLang has no such method", _ELSEWHERE),
    Method.LAYER_SKIP: ("SGLang has no such method", "use engine.type: Torch, or another method"),
    Method.DFLASH: ("this release does not drive it on SGLang", _ELSEWHERE),
    Method.DSPARK: ("this release does not drive it on SGLang", _ELSEWHERE),
}
"""What is wrong and what to do instead, for each other method."""
