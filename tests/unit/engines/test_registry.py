"""Every engine that the resource names has a driver, one for each."""

from __future__ import annotations

import pytest

from tandem_operator.api.spec import EngineType
from tandem_operator.engines import registry
from tandem_operator.engines.pod import environment


@pytest.mark.parametrize("engine", EngineType)
def test_a_driver_says_its_own_type_and_owns_what_is_owned_everywhere(engine: EngineType) -> None:
    driver = registry.driver(engine)

    assert driver.type is engine
    assert set(environment.OWNED_EVERYWHERE) <= set(driver.owned_env)


@pytest.mark.parametrize("engine", EngineType)
def test_a_reader_asks_for_the_gauges_that_it_reads(engine: EngineType) -> None:
    reader = registry.driver(engine).metrics

    assert all(gauge.startswith(reader.prefixes) for gauge in reader.queue)
    assert len(reader.queue) == len(set(reader.queue)) > 1


@pytest.mark.parametrize(
    ("name", "owned"),
    [
        ("HF_TOKEN", True),
        ("HF_", True),
        ("PYTHONPATH", True),
        ("PYTHONPATHS", False),
        ("HF", False),
    ],
)
def test_an_entry_that_ends_with_a_star_is_a_beginning(name: str, owned: bool) -> None:
    assert environment.owns(environment.OWNED_EVERYWHERE, name) is owned
