"""Pod templates that would go past the lock."""

from __future__ import annotations

from tests.cluster.bad_manifests.case import Bad, Object

TEMPLATE = "InvalidTemplate"


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
