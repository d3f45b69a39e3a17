"""Fields of the pair, its engine and its method that the API server refuses."""

from __future__ import annotations

from tests.cluster.bad_manifests.case import REMOVED, Bad

PAIR_FIELDS = (
    Bad(
        "a draft is missing",
        {"draft": REMOVED},
        "spec.draft",
        "DraftModel",
        "add draft.uri, or choose a method without a draft",
    ),
    Bad(
        "a draft that the method cannot use",
        {"speculation.method": "NGram"},
        "spec.draft",
        "NGram",
        "remove draft",
    ),
    Bad(
        "a draft that a lookup cannot use",
        {"speculation.method": "Suffix"},
        "spec.draft",
        "Suffix",
        "remove draft",
    ),
    Bad(
        "a block drafter without its draft",
        {"draft": REMOVED, "speculation.method": "DFlash"},
        "spec.draft",
        "DFlash",
        "add draft.uri, or choose a method without a draft",
    ),
    Bad(
        "a model runner of another engine",
        {"engine.type": "SGLang", "engine.modelRunner": "V2"},
        "spec.engine.modelRunner",
        "V2",
        "remove modelRunner",
    ),
    Bad(
        "a model runner that vLLM does not have",
        {"engine.modelRunner": "V3"},
        "spec.engine.modelRunner",
        "V3",
        '"V1", "V2"',
    ),
    Bad(
        "a method that does not exist",
        {"speculation.method": "Telepathy"},
        "spec.speculation.method",
        "Telepathy",
        '"DraftModel", "Eagle", "Eagle3"',
    ),
    Bad(
        "more tokens than any engine drafts",
        {"speculation.maxTokens": 33},
        "spec.speculation.maxTokens",
        "33",
        "should be less than or equal to 32",
    ),
    Bad(
        "no tokens at all",
        {"speculation.maxTokens": 0},
        "spec.speculation.maxTokens",
        "0",
        "should be greater than or equal to 1",
    ),
    Bad(
        "a start above the deepest",
        {"speculation.initialTokens": 9},
        "spec.speculation.initialTokens",
        "9",
        "lower initialTokens or raise maxTokens",
    ),
    Bad(
        "a text where a number belongs",
        {"speculation.maxTokens": "seven"},
        "spec.speculation.maxTokens",
        "string",
        "expected numeric",
    ),
    Bad(
        "a source of an unknown scheme",
        {"target.uri": "ftp://host/model"},
        "spec.target.uri",
        "ftp://host/model",
        "use hf://org/name, pvc://claim/path",
    ),
    Bad(
        "a claim's path that climbs out",
        {"draft.uri": "pvc://models/../../etc"},
        "spec.draft.uri",
        "pvc://models/../../etc",
        "pvc://claim/path",
    ),
    Bad(
        "a revision of a folder",
        {"target": {"uri": "pvc://models/target", "revision": "main"}},
        "spec.target.revision",
        "main",
        "remove it, or name the version in the uri",
    ),
    Bad(
        "a fingerprint of another form",
        {"tokenizerLock.digest": "sha256:abc"},
        "spec.tokenizerLock.digest",
        "sha256:abc",
        "tokfp/v1:sha256:",
    ),
    Bad(
        "a policy of heads for a model",
        {"tokenizerLock.policy": "TargetDeclared"},
        "spec.tokenizerLock",
        "TargetDeclared",
        "choose SameVocabulary",
    ),
    Bad(
        "a target stated for a model that says its own",
        {"tokenizerLock.attestedTarget": {"uri": "hf://org/base"}},
        "spec.tokenizerLock",
        "DraftModel",
        "remove it",
    ),
    Bad(
        "an engine without an image",
        {"engine.image": REMOVED},
        "spec.engine.image",
        "vLLM",
        "name the engine's stock image",
    ),
    Bad(
        "an engine that does not exist",
        {"engine.type": "Abacus"},
        "spec.engine.type",
        "Abacus",
        '"vLLM", "TensorRTLLM"',
    ),
    Bad(
        "a server that the engine does not stand behind",
        {"engine.server": "Triton"},
        "spec.engine.server",
        "Triton",
        "remove server",
    ),
    Bad(
        "a variable with two values",
        {
            "engine.env": [
                {
                    "name": "LEVEL",
                    "value": "1",
                    "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}},
                }
            ]
        },
        "spec.engine.env[0].valueFrom",
        "LEVEL",
        "remove one",
    ),
    Bad(
        "a variable from two places",
        {
            "engine.env": [
                {
                    "name": "LEVEL",
                    "valueFrom": {
                        "fieldRef": {"fieldPath": "status.podIP"},
                        "secretKeyRef": {"name": "keys", "key": "level"},
                    },
                }
            ]
        },
        "spec.engine.env[0].valueFrom",
        "valueFrom",
        "exactly one of secretKeyRef, configMapKeyRef and fieldRef",
    ),
    Bad(
        "n-grams for a draft model",
        {"speculation.nGram": {"minLookup": 2}},
        "spec.speculation.nGram",
        "DraftModel",
        "remove nGram or set method: NGram",
    ),
    Bad(
        "n-grams from long to short",
        {
            "draft": REMOVED,
            "speculation.method": "NGram",
            "speculation.nGram": {"minLookup": 5, "maxLookup": 2},
        },
        "spec.speculation.nGram.minLookup",
        "5",
        "lower minLookup or raise maxLookup",
    ),
    Bad(
        "leaving early without saying where",
        {"draft": REMOVED, "speculation.method": "LayerSkip"},
        "spec.speculation.layerSkip",
        "LayerSkip",
        "name the layer after which the draft leaves",
    ),
)
"""Never stored."""
