"""Variables of the engine's container: the operator's stay the operator's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.engines.pod import environment
from tandem_operator.engines.vllm import DRIVER
from tests.unit.engines import builders


@pytest.mark.parametrize("name", ["PYTHONPATH", "HF_TOKEN", "HF_", "TANDEM_LOCK", "VLLM_PLUGINS"])
def test_these_are_the_operators(name: str) -> None:
    assert environment.owns(DRIVER.owned_env, name)


@pytest.mark.parametrize("name", ["PYTHONPATH2", "MY_HF_TOKEN", "HF", "tandem_lock", "VLLM_LOG"])
def test_these_are_not(name: str) -> None:
    assert not environment.owns(DRIVER.owned_env, name)


@pytest.mark.parametrize("prefix", ["", "P", "VLLM_", "H", "HF_", "HF_HUB_", "TANDEM_X"])
def test_a_prefix_under_which_the_operators_can_lie(prefix: str) -> None:
    assert environment.may_own(DRIVER.owned_env, prefix)


@pytest.mark.parametrize("prefix", ["OWN_", "PYTHONPATH_", "hf_", "VLLM_LOG"])
def test_a_prefix_under_which_none_can_lie(prefix: str) -> None:
    assert not environment.may_own(DRIVER.owned_env, prefix)


@given(owned=st.sampled_from(DRIVER.owned_env), tail=st.text("A_", max_size=4), data=st.data())
def test_no_prefix_hides_a_variable_of_the_operator(
    owned: str, tail: str, data: st.DataObject
) -> None:
    name = owned[:-1] + tail if owned.endswith("*") else owned
    prefix = name[: data.draw(st.integers(0, len(name)))]

    assert environment.owns(DRIVER.owned_env, name)
    assert environment.may_own(DRIVER.owned_env, prefix)


def test_the_users_win_over_defaults_and_the_operators_over_the_users() -> None:
    spec = builders.spec(
        {"engine.env": [{"name": "DEFAULT", "value": "user"}, {"name": "OWNED", "value": "user"}]}
    )
    merged = environment.merged({"DEFAULT": "x", "KEPT": "x"}, {"OWNED": "operator"}, spec)

    assert {each["name"]: each["value"] for each in merged} == {
        "DEFAULT": "user",
        "KEPT": "x",
        "OWNED": "operator",
    }


def test_a_variable_keeps_where_its_value_comes_from() -> None:
    source = {"secretKeyRef": {"name": "keys", "key": "token"}}
    spec = builders.spec({"engine.env": [{"name": "TOKEN", "valueFrom": source}]})

    assert environment.merged({}, {}, spec) == [{"name": "TOKEN", "valueFrom": source}]
