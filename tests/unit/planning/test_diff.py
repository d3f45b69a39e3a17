"""Which differences between what stands and what is wanted are differences."""

from __future__ import annotations

import copy

import pytest

from tandem_operator.planning import managed_fields
from tandem_operator.planning.diff import contested, holds, stamped, to_apply
from tandem_operator.planning.pod import merge as template_merge
from tests.unit.planning.builders import Object


@pytest.mark.parametrize(
    ("existing", "wanted"),
    [
        ({}, {"minReadySeconds": 0, "readOnly": False, "emptyDir": {}, "name": ""}),
        ({"a": 1, "theirs": 2}, {"a": 1}),
        ({"limits": {"cpu": "1"}}, {"limits": {"cpu": "1000m"}}),
    ],
)
def test_what_the_api_server_normalises_is_no_difference(
    existing: dict[str, object], wanted: dict[str, object]
) -> None:
    assert holds(existing, wanted)


@pytest.mark.parametrize(
    ("existing", "wanted"),
    [
        ({"replicas": 2}, {"replicas": 0}),
        ({}, {"replicas": 2}),
        ({"args": ["a", "b"]}, {"args": ["b", "a"]}),
        ({"readOnly": True}, {"readOnly": False}),
    ],
)
def test_another_value_is_a_difference(
    existing: dict[str, object], wanted: dict[str, object]
) -> None:
    assert not holds(existing, wanted)


BODY: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "chat", "labels": {"team": "ml"}},
    "spec": {
        "replicas": 1,
        "template": {
            "spec": {
                "containers": [{"name": "main", "image": "engine:1", "args": ["a", "b"]}],
                "nodeSelector": {"gpu": "yes"},
            }
        },
    },
}
OURS: Object = {
    "f:metadata": {
        "f:annotations": {"f:tandem.dev/applied": {}},
        "f:labels": {"f:team": {}},
    },
    "f:spec": {
        "f:replicas": {},
        "f:template": {
            "f:spec": {
                "f:containers": {
                    'k:{"name":"main"}': {".": {}, "f:name": {}, "f:image": {}, "f:args": {}}
                },
                "f:nodeSelector": {},
            }
        },
    },
}
MIRRORED = {"template": {"spec": {"containers": [{"name": "main", "image": "mirror/engine:1"}]}}}
SELECTED = {"template": {"spec": {"nodeSelector": {"gpu": "no"}}}}


def admitted(changes: Object, ours: Object) -> Object:
    """The body as applied but for `changes` of its spec; `ours` is what the operator still owns."""
    live: Object = template_merge.merged(stamped(copy.deepcopy(BODY)), {"spec": changes})
    live["metadata"] |= {
        "uid": "1",
        "managedFields": [
            {"manager": "tandem", "operation": "Apply", "fieldsV1": ours},
            {"manager": "tandem", "operation": "Update", "subresource": "status", "fieldsV1": {}},
        ],
    }
    return live


def without(path: str) -> Object:
    """What is left to the operator once another took the field at this path."""
    left = copy.deepcopy(OURS)
    *parents, last = path.split("/")
    holder = left
    for key in parents:
        holder = holder[key]
    del holder[last]
    return left


@pytest.mark.parametrize("changes", [MIRRORED, SELECTED, {"replicas": 3}])
@pytest.mark.parametrize("kept", [False, True])
def test_what_admission_made_of_our_own_write_stands(changes: Object, kept: bool) -> None:
    live = admitted(changes, OURS)
    if kept:
        live["metadata"]["managedFields"] = managed_fields.kept(live)

    assert to_apply(BODY, live) is None


@pytest.mark.parametrize(
    ("changes", "taken", "expected"),
    [
        (
            MIRRORED,
            'f:spec/f:template/f:spec/f:containers/k:{"name":"main"}/f:image',
            "spec.template.spec.containers[main].image",
        ),
        (
            SELECTED,
            "f:spec/f:template/f:spec/f:nodeSelector",
            "spec.template.spec.nodeSelector.gpu",
        ),
        ({"replicas": 3}, "f:spec/f:replicas", "spec.replicas"),
    ],
)
def test_what_another_changed_later_is_put_back(changes: Object, taken: str, expected: str) -> None:
    live = admitted(changes, without(taken))

    assert to_apply(BODY, live) is not None
    assert [managed_fields.text_of(each.path) for each in contested(live, stamped(BODY))] == [
        expected
    ]


def test_a_new_wish_is_written_over_what_admission_made_of_the_last() -> None:
    live = admitted(MIRRORED, OURS)
    wanted: Object = template_merge.merged(copy.deepcopy(BODY), {"spec": {"replicas": 2}})

    write = to_apply(wanted, live)

    assert write is not None and write.uid == "1"


def test_without_a_record_of_owners_every_difference_is_put_back() -> None:
    live = admitted(MIRRORED, OURS)
    del live["metadata"]["managedFields"]

    assert to_apply(BODY, live) is not None


def test_admission_that_takes_our_digest_away_is_no_reason_to_write() -> None:
    live = admitted({}, OURS)
    del live["metadata"]["annotations"]

    assert to_apply(BODY, live) is None


def test_whoever_shares_a_field_is_named() -> None:
    live = admitted({}, OURS)
    live["metadata"]["managedFields"].append(
        {"manager": "autoscaler", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    )

    assert managed_fields.others(live, ("spec", "replicas")) == ("autoscaler",)
    assert managed_fields.others(live, ("spec", "template")) == ()
