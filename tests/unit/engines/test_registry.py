"""Every engine that the resource names has a driver, if only to refuse."""

from __future__ import annotations

import pytest

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import EngineType
from tandem_operator.api.status import LiveMode
from tandem_operator.engines import registry
from tandem_operator.engines.pod import environment
from tests.unit.engines import builders

OTHERS = sorted(set(EngineType) - set(registry.driven()))


@pytest.mark.parametrize("engine", EngineType)
def test_a_driver_says_its_own_type_and_owns_what_is_owned_everywhere(engine: EngineType) -> None:
    driver = registry.driver(engine)

    assert driver.type is engine
    assert set(environment.OWNED_EVERYWHERE) <= set(driver.owned_env)


@pytest.mark.parametrize("engine", OTHERS)
def test_an_engine_that_cannot_be_driven_is_refused_and_never_rendered(engine: EngineType) -> None:
    changes = {"engine.type": engine.value}
    driver = registry.driver(engine)

    (found,) = driver.validate(builders.spec(changes))
    assert (found.reason, found.field, found.value) == (
        StalledReason.UNSUPPORTED_ENGINE,
        "spec.engine.type",
        engine.value,
    )
    assert "vLLM" in found.remedy
    judged = registry.judge(builders.spec(changes), builders.report())
    assert (judged.refusals, judged.allowed, judged.reasons) == ((found,), False, (str(found),))
    assert driver.live_mode(builders.spec(changes)) is LiveMode.ROLLOUT
    with pytest.raises(ValueError, match="cannot drive this engine"):
        driver.render(builders.launch(changes))


@pytest.mark.parametrize("engine", EngineType)
def test_a_reader_looks_at_what_it_reads(engine: EngineType) -> None:
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
