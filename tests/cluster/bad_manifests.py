"""Manifests that must not be carried out, and what each is told: data for every test that needs it.

A case is a good manifest with some fields changed. `reason` is None where the API server itself
refuses it by schema or CEL; otherwise it is the reason of `Stalled`. The answer names `field`,
`value` and the words of `remedy`.
"""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

Object = dict[str, Any]

GOOD: Object = {
    "target": {"uri": "hf://org/target"},
    "draft": {"uri": "hf://org/draft"},
    "speculation": {"method": "DraftModel", "maxTokens": 7},
    "engine": {"type": "vLLM", "image": "vllm/vllm-openai:v0.32.0"},
    "accelerator": {"resource": "None"},
}
REMOVED = object()
"""Value of a field that the manifest lacks."""


@dataclasses.dataclass(frozen=True)
class Bad:
    """One manifest, by what is changed in the good one (dotted path and value)."""

    title: str
    changes: dict[str, Any] = dataclasses.field(hash=False)
    field: str
    value: str
    remedy: str
    reason: str | None = None
    name: str = "chat"

    def manifest(self, name: str | None = None) -> Object:
        """The whole resource."""
        spec = copy.deepcopy(GOOD)
        for path, value in self.changes.items():
            *parents, last = path.split(".")
            holder = spec
            for key in parents:
                holder = holder.setdefault(key, {})
            if value is REMOVED:
                del holder[last]
            else:
                holder[last] = copy.deepcopy(value)
        return {
            "apiVersion": "tandem.dev/v1alpha1",
            "kind": "SpeculativeDeployment",
            "metadata": {"name": name or self.name},
            "spec": spec,
        }


REFUSED_BY_SCHEMA = (
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
    Bad(
        "a count of no devices",
        {"accelerator": {"resource": "None", "count": 2}},
        "spec.accelerator.count",
        "2",
        "remove count",
    ),
    Bad(
        "tuning above what the engine was started for",
        {"tuning.maxTokens": 9},
        "spec.tuning",
        "9",
        "lower tuning.maxTokens or raise speculation.maxTokens",
    ),
    Bad(
        "a band upside down",
        {"tuning": {"minTokens": 5, "maxTokens": 2}},
        "spec.tuning.minTokens",
        "5",
        "lower minTokens or raise maxTokens",
    ),
    Bad(
        "a threshold above everything",
        {"tuning.thresholds.minAcceptanceRatePercent": 140},
        "spec.tuning.thresholds.minAcceptanceRatePercent",
        "140",
        "should be less than or equal to 100",
    ),
    Bad(
        "a segment twice",
        {"tuning.segments": [{"name": "a", "maxTokens": 1}, {"name": "a", "maxTokens": 2}]},
        "spec.tuning.segments",
        '"a"',
        "duplicate entries",
    ),
    Bad(
        "a segment deeper than the engine",
        {"tuning.segments": [{"name": "creative", "maxTokens": 9}]},
        "spec.tuning",
        "maxTokens 9 of segment creative",
        "lower it or raise speculation.maxTokens",
    ),
    Bad(
        "a rollout that cannot move",
        {"rollout": {"maxUnavailable": 0, "maxSurge": "0%"}},
        "spec.rollout",
        "both 0",
        "raise one",
    ),
    Bad(
        "a shared cache with a limit",
        {"modelCache": {"claimName": "models", "sizeLimit": "10Gi"}},
        "spec.modelCache.sizeLimit",
        "10Gi",
        "remove one",
    ),
    Bad(
        "fewer replicas than none",
        {"replicas": -1},
        "spec.replicas",
        "-1",
        "should be greater than or equal to 0",
    ),
    Bad(
        "a field that does not exist",
        {"speculation.maxTokenz": 5},
        "spec.speculation.maxTokenz",
        "maxTokenz",
        "field not declared in schema",
    ),
    Bad(
        "no target",
        {"target": REMOVED},
        "spec.target",
        "target",
        "Required value",
    ),
    Bad(
        "a name that leaves no room for those of children",
        {},
        "metadata.name",
        "a" * 41,
        "shorten it",
        name="a" * 41,
    ),
    Bad(
        "a name that no Service can have",
        {},
        "metadata.name",
        "70b-chat",
        "must start with a letter",
        name="70b-chat",
    ),
)
"""Never stored."""

ARGUMENTS = "InvalidArguments"
TEMPLATE = "InvalidTemplate"
COMBINATION = "UnsupportedCombination"


def _argument(argument: str, remedy: str) -> Bad:
    return Bad(
        f"the argument {argument}",
        {"engine.args": ["--dtype=float32", argument]},
        "spec.engine.args[1]",
        argument,
        remedy,
        ARGUMENTS,
    )


SPELLINGS = (
    _argument("--model=org/other", "set spec.target.uri"),
    _argument("--mod=org/other", "set spec.target.uri"),
    _argument("--tokenizer", "set spec.target.tokenizer"),
    _argument("--tokenizer_mode=slow", "set spec.target.tokenizer"),
    _argument("--tok", "set spec.target.tokenizer"),
    _argument("--skip-tokenizer-init", "the lock stands on the tokenizer"),
    _argument("--revision=main", "set spec.target.revision"),
    _argument("--code_revision=main", "set spec.target.revision"),
    _argument("--speculative-config={}", "use spec.speculation"),
    _argument("--speculative_config", "use spec.speculation"),
    _argument("--speculative-config.method=ngram", "use spec.speculation"),
    _argument("--speculative_config.draft_model+=x", "use spec.speculation"),
    _argument("--specul", "use spec.speculation"),
    _argument("-sc", "use spec.speculation"),
    _argument("-sc.method", "use spec.speculation"),
    _argument("--spec-model=org/other", "use spec.speculation"),
    _argument("--spec_tokens=9", "use spec.speculation"),
    _argument("--scheduler-cls=my.Scheduler", "the plugin chooses the scheduler"),
    _argument("--scheduler_c", "the plugin chooses the scheduler"),
    _argument("--host=127.0.0.1", "the engine listens on every address of its pod"),
    _argument("--port", "the Service forwards to port 8000"),
    _argument("--uds=/tmp/socket", "the engine listens on port 8000"),
    _argument("--ssl-keyfile=/key", "end TLS in front of the Service"),
    _argument("--config=/etc/engine.yaml", "write the options into spec.engine.args"),
    _argument("--served_model_name=gpt", "set spec.target.servedName"),
    _argument("--hf-overrides={}", "the lock must see them"),
    _argument("--hf-overrides.vocab_size=9", "the lock must see them"),
    _argument("--load-format=pt", "use safetensors weights"),
    _argument("--disable-log-stats", "the tuner reads these metrics"),
    _argument("--no-disable-log-stats", "the tuner reads these metrics"),
    _argument("--trust-remote-code", "set spec.tokenizerLock.allowRemoteCode"),
    _argument("--trust_remote_code", "set spec.tokenizerLock.allowRemoteCode"),
    _argument("--tru", "set spec.tokenizerLock.allowRemoteCode"),
    _argument("--tensor-parallel-size=2", "set spec.parallelism.tensor"),
    _argument("-tp", "set spec.parallelism.tensor"),
    _argument("-pp=2", "set spec.parallelism.pipeline"),
    _argument("--data-parallel-size=2", "set spec.parallelism.data"),
    _argument("--data_parallel_rank=1", "set spec.parallelism.data"),
    _argument("-dp", "set spec.parallelism.data"),
    _argument("-dpr=1", "set spec.parallelism.data"),
    _argument("$(OWN)", "write --option=$(NAME)"),
    _argument("--$(OWN)=x", "write --option=$(NAME)"),
)
"""Owned flags as vLLM's parser takes them: full, shortened, underscored, dotted, short, negated.

The last two become whatever a variable of the container holds.
"""


def _variable(name: str) -> Bad:
    return Bad(
        f"the variable {name}",
        {"engine.env": [{"name": name, "value": "x"}]},
        "spec.engine.env[0].name",
        name,
        "remove it",
        ARGUMENTS,
    )


def _key(key: str, value: Any, told: str, remedy: str) -> Bad:
    return Bad(
        f"the key {key} of the engine's configuration",
        {"speculation.engineConfig": {key: value}},
        f"spec.speculation.engineConfig.{key}",
        told,
        remedy,
        ARGUMENTS,
    )


OWNED = (
    _variable("PYTHONPATH"),
    _variable("VLLM_PLUGINS"),
    _variable("VLLM_SERVER_DEV_MODE"),
    _variable("PROMETHEUS_MULTIPROC_DIR"),
    _variable("HF_ENDPOINT"),
    _variable("TANDEM_LOCK"),
    _key("model", "org/other", '"org/other"', "set spec.draft.uri"),
    _key("num_speculative_tokens", 9, "9", "set spec.speculation.maxTokens"),
    _key("rejection_sample_method", "synthetic", '"synthetic"', "use standard or block"),
)
"""Variables and keys that are the operator's."""


def _main(part: Object) -> Object:
    return {"template": {"spec": {"containers": [{"name": "main", **part}]}}}


def _main_case(title: str, part: Object, field: str, value: str, remedy: str) -> Bad:
    place = f"spec.template.spec.containers[0].{field}"
    return Bad(title, _main(part), place, value, remedy, TEMPLATE)


def _pod(title: str, spec: Object, field: str, value: str, remedy: str) -> Bad:
    place = f"spec.template.spec.{field}"
    return Bad(title, {"template": {"spec": spec}}, place, value, remedy, TEMPLATE)


def _mount(path: str) -> Bad:
    return _main_case(
        f"a mount at {path}",
        {"volumeMounts": [{"name": "own", "mountPath": path}]},
        "volumeMounts[0].mountPath",
        path,
        "mount it elsewhere",
    )


PAST_THE_LOCK = (
    _main_case("another command", {"command": ["sh"]}, "command", '["sh"]', "use spec.engine.args"),
    _main_case(
        "other arguments",
        {"args": ["--model=x"]},
        "args",
        '["--model=x"]',
        "use spec.engine.args",
    ),
    _main_case(
        "the lock as a variable",
        {"env": [{"name": "TANDEM_LOCK", "value": "{}"}]},
        "env[0].name",
        "TANDEM_LOCK",
        "remove it",
    ),
    _main_case(
        "a plugin list without the plugin",
        {"env": [{"name": "VLLM_PLUGINS", "value": ""}]},
        "env[0].name",
        "VLLM_PLUGINS",
        "remove it",
    ),
    _main_case(
        "variables that nobody sees",
        {"envFrom": [{"configMapRef": {"name": "own"}}]},
        "envFrom[0]",
        '"own"',
        "name each variable in spec.engine.env",
    ),
    _main_case(
        "variables that nobody sees, under a beginning of the operator's",
        {"envFrom": [{"prefix": "VLLM_", "secretRef": {"name": "own"}}]},
        "envFrom[0]",
        '"VLLM_"',
        "give them a prefix of your own",
    ),
    _mount("/models"),
    _mount("/models/target/"),
    _mount("/tandem/plugin"),
    _mount("/tandem"),
    _mount("/tmp/../tandem/state"),
    _mount("/dev"),
    _mount("/"),
    _main_case(
        "the operator's volume elsewhere",
        {"volumeMounts": [{"name": "tandem-plugin", "mountPath": "/work"}]},
        "volumeMounts[0].name",
        "tandem-plugin",
        "use one of your own",
    ),
    _pod(
        "a fetching container of one's own",
        {"initContainers": [{"name": "tandem-fetch", "image": "other"}]},
        "initContainers[0].name",
        "tandem-fetch",
        "rename it",
    ),
    _pod(
        "another volume of models",
        {"volumes": [{"name": "tandem-models", "emptyDir": {}}]},
        "volumes[0].name",
        "tandem-models",
        "rename it",
    ),
    _pod(
        "an init container that writes over the plugin",
        {
            "initContainers": [
                {"name": "late", "volumeMounts": [{"name": "own", "mountPath": "/tandem/plugin"}]}
            ]
        },
        "initContainers[0].volumeMounts[0].mountPath",
        "/tandem/plugin",
        "mount it elsewhere",
    ),
    _pod(
        "the engine as an init container",
        {"initContainers": [{"name": "main", "image": "other"}]},
        "initContainers[0].name",
        "main",
        "rename it",
    ),
    _pod(
        "processes that see each other",
        {"shareProcessNamespace": True},
        "shareProcessNamespace",
        "true",
        "remove it",
    ),
    _pod("pods that end", {"restartPolicy": "Never"}, "restartPolicy", "Never", "remove it"),
    _pod("a list taken away", {"initContainers": None}, "initContainers", "null", "remove the key"),
    Bad(
        "the lock's label",
        {"template": {"metadata": {"labels": {"tandem.dev/lock": "0" * 16}}}},
        "spec.template.metadata.labels.tandem.dev/lock",
        "0" * 16,
        "use a label of your own",
        TEMPLATE,
    ),
    Bad(
        "the label of whoever manages it",
        {"template": {"metadata": {"labels": {"app.kubernetes.io/managed-by": "me"}}}},
        "spec.template.metadata.labels.app.kubernetes.io/managed-by",
        "me",
        "use a label of your own",
        TEMPLATE,
    ),
    Bad(
        "a template that is a Deployment",
        {"template": {"replicas": 3}},
        "spec.template.replicas",
        "3",
        "remove it",
        TEMPLATE,
    ),
)
"""Templates that would serve something that nobody locked, or hide what serves."""


def _source(field: str, uri: str, remedy: str) -> Bad:
    return Bad(f"{field} at {uri}", {field: uri}, f"spec.{field}", uri, remedy, COMBINATION)


CANNOT = (
    _source("target.tokenizer.uri", "hf://org/tokenizer", "put its files beside"),
    _source("draft.tokenizer.uri", "pvc://models/tokenizer", "use hf:// or s3://"),
    Bad(
        "an engine that is not driven yet",
        {"engine.type": "SGLang"},
        "spec.engine.type",
        "SGLang",
        "use engine.type: vLLM",
        "UnsupportedEngine",
    ),
    Bad(
        "a method that the engine lacks",
        {
            "draft": REMOVED,
            "speculation.method": "LayerSkip",
            "speculation.layerSkip": {"exitLayer": 4},
        },
        "spec.speculation.method",
        "LayerSkip",
        "use one of DraftModel",
        COMBINATION,
    ),
    Bad(
        "a drafter of fixed depth that shall step aside",
        {"draft": REMOVED, "speculation.method": "Suffix"},
        "spec.speculation.constrainedOutput",
        "Bypass",
        "set constrainedOutput: Allow",
        COMBINATION,
    ),
)
"""What no pod of this release could do."""

STALLED = (*SPELLINGS, *OWNED, *PAST_THE_LOCK, *CANNOT)
"""Stored, and told why nothing is made of it."""
