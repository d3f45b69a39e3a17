"""A pair that cannot fit its devices is told before anything starts; one that might is tried."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.pair_validation import DeviceNeed
from tandem_operator.planning import resource
from tandem_operator.planning.pod import accelerator_memory
from tandem_runtime.contract.report import MixtureOfExperts
from tests.unit.planning import builders
from tests.unit.planning.builders import Object
from tests.unit.planning.world import World

GIB = 1 << 30
GPU = "nvidia.com/gpu"


def validate(
    device_gib: float,
    changes: Object | None = None,
    target: Object | None = None,
    draft: Object | None = None,
) -> tuple[FieldError, ...]:
    """A 60 GiB target with a 10 GiB draft; 2,048 tokens of cache are 2 GiB for both."""
    known: Object = {"weight_bytes": 60 * GIB, "kv_bytes_per_token": 768 << 10, "dtype": "BF16"}
    small: Object = {"weight_bytes": 10 * GIB, "kv_bytes_per_token": 256 << 10, "dtype": "BF16"}
    report = builders.good(
        target=builders.side(**(known | (target or {}))),
        draft=builders.side("hf://org/draft", **(small | (draft or {}))),
    )
    installation = replace(builders.INSTALLATION, memory_bytes={GPU: int(device_gib * GIB)})
    return accelerator_memory.validate(
        resource.parse(builders.resource(changes)), report, installation
    )


def test_a_pair_that_cannot_fit_is_told_with_its_sum_and_what_to_do() -> None:
    (error,) = validate(71)

    assert error.reason.value == "InsufficientMemory"
    assert (
        "target 60.0 GiB + draft 10.0 GiB + KV cache of 2048 tokens 2.0 GiB = 72.0 GiB at least"
        in error.message
    )
    assert "71.0 GiB a device" in error.message
    assert "parallelism.tensor" in error.remedy


def test_a_pair_that_fits_exactly_is_tried() -> None:
    assert validate(72) == ()


def test_weights_that_fit_alone_need_room_for_their_cache() -> None:
    assert validate(70.5) != ()


def test_a_shorter_context_needs_less_cache() -> None:
    assert validate(71, {"engine.args": ["--max-model-len=1024"]}) == ()
    assert validate(71, {"engine.args": ["--max-model-len", "1024"]}) == ()
    assert validate(71, {"engine.args": ["--max-model-len=100000"]}) != ()
    assert validate(71, {"engine.args": ["--max-model-len=auto"]}) != ()


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({"parallelism.tensor": 2}, True),
        ({"parallelism.pipeline": 2}, True),
        ({"parallelism.data": 2}, False),
        ({"parallelism.data": 2, "parallelism.tensor": 2}, True),
        ({"parallelism.data": 2, "parallelism.pipeline": 2}, True),
        ({"accelerator.count": 2}, True),
        ({"accelerator.count": 2, "parallelism.data": 2}, False),
        ({"accelerator.resource": "amd.com/gpu"}, True),
        ({"accelerator.resource": "None"}, True),
    ],
)
def test_devices_count_by_the_copies_of_the_weights(changes: Object, fits: bool) -> None:
    assert (validate(40, changes) == ()) is fits


def test_ranks_of_a_mixture_of_experts_may_share_its_experts() -> None:
    experts = {"mixture_of_experts": MixtureOfExperts(64, 8)}
    assert validate(40, {"parallelism.data": 2}, target=experts) == ()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--quantization=fp8"],
        ["--quantization", "bitsandbytes"],
        ["-q", "fp8"],
        ["-qfp8"],
        ["--cpu-offload-gb=20"],
        ["--cpu_offload_gb=20"],
        ["--dtype=half"],
        ["--kv-cache-dtype=fp8"],
    ],
)
def test_weights_that_are_kept_otherwise_than_stored_are_not_judged(arguments: list[str]) -> None:
    assert validate(40, {"engine.args": arguments}) == ()


def test_float32_is_loaded_at_16_bits() -> None:
    assert validate(41, target={"dtype": "F32"}) != ()
    assert validate(41.5, target={"dtype": "F32"}) == ()


def test_what_is_not_known_counts_as_nothing() -> None:
    unknown: Object = {"weight_bytes": None, "kv_bytes_per_token": None}
    assert validate(61, draft=unknown, target={"kv_bytes_per_token": None}) == ()
    assert validate(59, draft=unknown) != (), "the target alone is too large"
    assert validate(11, target=unknown) == ()


@given(
    device=st.integers(0, 200),
    more=st.integers(1, 100),
    target=st.none() | st.integers(0, 200 * GIB),
    draft=st.none() | st.integers(0, 50 * GIB),
)
def test_more_memory_never_refuses_what_less_allowed(
    device: int, more: int, target: int | None, draft: int | None
) -> None:
    sizes = {"target": {"weight_bytes": target}, "draft": {"weight_bytes": draft}}
    if validate(device, **sizes) == ():
        assert validate(device + more, **sizes) == ()


def test_a_refusal_ends_when_the_administrator_corrects_the_table() -> None:
    world = World()
    world.installation = replace(world.installation, memory_bytes={GPU: 10_000_000})
    world.settle()
    world.lock_ends(builders.good())
    world.settle()
    world.pass_time(61)
    world.settle()
    assert world.condition("Stalled") == ("True", "InsufficientMemory")
    assert not world.all_of("Job"), (
        "the same table gives the same answer without another inspection"
    )

    world.installation = replace(world.installation, memory_bytes={GPU: 80 * GIB})
    world.settle()
    world.lock_ends(builders.good())
    world.settle()

    assert world.condition("Stalled") is None
    assert world.all_of("Deployment")


def test_status_tells_the_memory_of_the_pair_that_serves() -> None:
    world = World().serve()

    assert world.resource["status"]["pair"]["memoryBytes"] == {
        "target": 14_000_000,
        "draft": 2_000_000,
        "kvPerToken": 8_192,
    }


@pytest.mark.parametrize(("device_gib", "expected"), [(37, 1), (38, 0)])
def test_an_engine_that_holds_other_sizes_than_the_files_says_them(
    device_gib: int, expected: int
) -> None:
    need = DeviceNeed({"target": 30 * GIB, "KV cache": 8 * GIB}, "take less")
    installation = replace(builders.INSTALLATION, memory_bytes={GPU: device_gib * GIB})

    errors = accelerator_memory.validate(
        resource.parse(builders.resource({})), builders.good(), installation, need
    )

    assert [each.remedy for each in errors] == ["take less"] * expected
