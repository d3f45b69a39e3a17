"""The methods that TensorRT-LLM has, in its own words, and why it lacks the others."""

from tandem_operator.api.spec import Method

METHODS = {
    Method.DRAFT_MODEL: "Draft_Target",
    Method.EAGLE3: "Eagle3",
    Method.MTP: "MTP",
    Method.N_GRAM: "NGram",
}
"""`decoding_type` of the LLM API."""

OFF_IN_A_STEP = frozenset({Method.N_GRAM})
"""Methods that may draft nothing in one step and go on in the next. A draft that is a model keeps a
cache, which goes stale while it does not run: acceptance stays near 0 afterwards."""

WITHOUT_OVERLAP = frozenset({Method.DRAFT_MODEL, Method.N_GRAM})
"""Methods that TensorRT-LLM's own page runs with `disable_overlap_scheduler`."""

LACKING = {
    Method.EAGLE: (
        "the PyTorch backend reads no EAGLE-1 or EAGLE-2 heads, only EAGLE-3",
        "use method Eagle3 with an EAGLE-3 head, or engine.type: vLLM",
    ),
    Method.MEDUSA: (
        "the PyTorch backend has no Medusa; the TensorRT backend, which has it, takes engines that "
        "were compiled for one kind of GPU, and release 1.4 is without it",
        "use method Eagle3, or engine.type: vLLM with vLLM 0.32",
    ),
    Method.SUFFIX: (
        "TensorRT-LLM's suffix automaton is another method than Suffix",
        "use method NGram, or engine.type: vLLM",
    ),
    Method.LAYER_SKIP: (
        "TensorRT-LLM has no such method",
        "use engine.type: Torch",
    ),
    Method.DFLASH: (
        "this release does not drive it on TensorRT-LLM",
        "use engine.type: vLLM",
    ),
    Method.DSPARK: (
        "this release does not drive it on TensorRT-LLM",
        "use engine.type: vLLM",
    ),
}
"""What is wrong and what to do instead, for each other method."""
