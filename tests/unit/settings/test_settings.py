"""The administrator's settings: defaults, and what a wrong one says."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from pydantic.alias_generators import to_camel

from tandem_operator.engines.interface.installation import CaBundle
from tandem_operator.engines.interface.rollout_times import RolloutTimes
from tandem_operator.settings import GIB, PREFIX, Settings, SettingsError

CHART = Path(__file__).parents[3] / "charts" / "tandem"

IMAGE = {"TANDEM_RUNTIME_IMAGE": "runtime:1"}


def test_the_runtime_image_is_all_that_must_be_given() -> None:
    settings = Settings.from_environ(IMAGE)

    assert settings.watch_namespaces == ()
    assert settings.prometheus_url is None
    assert settings.scrape_interval_seconds == 10
    assert settings.identity


def test_what_the_chart_writes_when_nothing_is_set_is_taken_as_unset() -> None:
    empty = dict.fromkeys(
        ("TANDEM_WATCH_NAMESPACES", "TANDEM_HUB_ENDPOINT", "TANDEM_PROMETHEUS_URL"), ""
    )

    settings = Settings.from_environ({**IMAGE, **empty, "TANDEM_ACCELERATOR_MEMORY_GIB": "{}"})

    assert settings.watch_namespaces == ()
    assert settings.hub_endpoint is None
    assert settings.memory_bytes == {}


def test_the_chart_takes_the_times_that_the_operator_knows_and_no_others() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    offered = schema["properties"]["rolloutTimes"]["propertyNames"]["enum"]

    assert offered == [to_camel(each.name) for each in fields(RolloutTimes)]


def test_lists_and_objects_are_read() -> None:
    settings = Settings.from_environ(
        {
            **IMAGE,
            "TANDEM_WATCH_NAMESPACES": "a, b",
            "TANDEM_ACCELERATOR_MEMORY_GIB": '{"nvidia.com/gpu": 80}',
            "TANDEM_PORT": "tcp://10.0.0.1:80",
        }
    )

    assert settings.watch_namespaces == ("a", "b")
    assert settings.memory_bytes == {"nvidia.com/gpu": 80 * GIB}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TANDEM_RUNTIME_IMAGE", ""),
        ("TANDEM_PROMETHEUS_URL", "prometheus:9090"),
        ("TANDEM_SCRAPE_INTERVAL_SECONDS", "0"),
        ("TANDEM_LOG_LEVEL", "loud"),
        ("TANDEM_IMAGE_PULL_POLICY", "Sometimes"),
        ("TANDEM_ACCELERATOR_MEMORY_GIB", "{80"),
        ("TANDEM_ROLLOUT_TIMES", '{"removeAfter": 0}'),
        ("TANDEM_ROLLOUT_TIMES", '{"removeAfterwards": 60}'),
        ("TANDEM_PROMETHEUS_HEADERS", "X-Team: a"),
        ("TANDEM_POD_MONITOR_INTERVAL", "fast"),
    ],
)
def test_a_wrong_value_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environ({**IMAGE, name: value})


def test_the_chart_sets_every_variable_and_no_other() -> None:
    template = CHART / "templates" / "deployment.yaml"
    written = set(re.findall(r"- name: (TANDEM_\w+)", template.read_text()))
    read = {PREFIX + name.upper() for name in Settings.model_fields}

    # The chart's probes and ports rest on the default.
    assert written == read - {"TANDEM_HTTP_PORT"}


def test_an_argument_goes_before_its_variable() -> None:
    settings = Settings.from_environ(
        {**IMAGE, "TANDEM_LOG_LEVEL": "info"}, ["--log-level=debug", "--http-port", "9000"]
    )

    assert (settings.log_level, settings.http_port) == ("debug", 9000)


@pytest.mark.parametrize("argument", ["--log-levl=debug", "--log=debug", "debug", "--log-level"])
def test_an_argument_that_names_no_setting_is_refused_by_name(argument: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(argument.partition("=")[0])):
        Settings.from_environ(IMAGE, [argument])


def test_authorities_are_a_config_map_and_its_key() -> None:
    assert Settings.from_environ({**IMAGE, "TANDEM_CA_CONFIG_MAP": ""}).ca_bundle is None
    settings = Settings.from_environ({**IMAGE, "TANDEM_CA_CONFIG_MAP": "corporate-ca"})
    assert settings.ca_bundle == CaBundle("corporate-ca", "ca.crt")


def test_the_runtime_containers_are_the_administrators() -> None:
    settings = Settings.from_environ(
        {
            **IMAGE,
            "TANDEM_LOCK_RESOURCES": '{"limits": {"memory": "512Mi"}}',
            "TANDEM_RUNTIME_SECURITY_CONTEXT": '{"runAsUser": 1000660000}',
        }
    )

    assert settings.lock_resources == {"limits": {"memory": "512Mi"}}
    assert settings.fetch_resources["limits"]["memory"] == "2Gi"
    assert settings.runtime_security_context == {"runAsUser": 1000660000}


def test_the_charts_resources_are_those_of_an_operator_without_a_chart() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())["runtimeContainers"]
    settings = Settings.from_environ(IMAGE)

    assert settings.lock_resources == values["lock"]["resources"]
    assert settings.fetch_resources == values["fetch"]["resources"]
    assert settings.runtime_security_context == values["securityContext"]
