"""What tuners learned, as the store finds it: by namespace, one after the other."""

from __future__ import annotations

from typing import Any

from tandem_operator.cluster.store import Store

Object = dict[str, Any]


def config_map(owner: str, suffix: str = "tuner", namespace: str = "serving") -> Object:
    metadata = {
        "name": f"{owner}-{suffix}",
        "namespace": namespace,
        "uid": f"{owner}-{suffix}",
        "resourceVersion": "1",
        "labels": {"tandem.dev/deployment": owner},
    }
    return {"kind": "ConfigMap", "metadata": metadata}


def test_they_are_found_by_name_in_their_namespace_alone() -> None:
    store = Store()
    for body in (
        config_map("b"),
        config_map("a"),
        config_map("a", "profile"),
        config_map("c", namespace="other"),
    ):
        store.put(body)

    listed = [each["metadata"]["name"] for each in store.tuners("serving")]
    assert listed == ["a-tuner", "b-tuner"]


def test_they_are_read_one_by_one() -> None:
    store = Store()
    first = store.tuners("serving")
    store.put(config_map("a"))
    assert next(first)["metadata"]["name"] == "a-tuner", "nothing was read before it was asked for"
