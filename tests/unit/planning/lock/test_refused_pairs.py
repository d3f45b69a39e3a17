"""A pair that cannot be served is told with its reason before any pod is made."""

from __future__ import annotations

from dataclasses import replace

from tandem_runtime.contract.model_facts import ModelFacts
from tests.unit.planning import builders
from tests.unit.planning.world import World


def test_arguments_of_the_operator_are_refused_before_anything_is_made() -> None:
    world = World(builders.resource({"engine.args": ["--port=1"]}))

    world.settle()

    assert world.condition("Stalled") == ("True", "InvalidArguments")
    assert world.names() == set()

    world.edit({"engine.args": []})
    world.settle()
    assert world.condition("Reconciling") == ("True", "Locking")


def test_a_model_that_is_not_there_is_asked_for_every_ten_minutes() -> None:
    world = World()
    world.settle()
    first = world.only("Job")["metadata"]["uid"]

    world.lock_ends(builders.not_found())
    plan = world.settle()
    assert world.condition("Stalled") == ("True", "ModelNotFound")
    assert world.condition("PairCompatible") == ("Unknown", "LockFailed")
    assert plan.requeue_after_s == 600

    world.pass_time(600)
    world.settle()
    assert world.only("Job")["metadata"]["uid"] != first
    assert world.condition("Stalled") == ("True", "ModelNotFound")

    world.lock_ends(builders.good())
    world.settle()
    assert world.condition("Stalled") is None
    assert world.all_of("Deployment")


def test_a_report_in_a_pod_of_somebody_else_is_not_read() -> None:
    world = World()
    world.settle()

    world.lock_pod("uid-of-another-job", builders.good())
    world.settle()

    assert world.condition("Reconciling") == ("True", "Locking")
    assert not world.all_of("ControllerRevision")


def test_a_pair_that_does_not_fit_the_devices_is_told_with_both_sizes() -> None:
    world = World()
    world.installation = replace(world.installation, memory_bytes={"nvidia.com/gpu": 10_000_000})
    world.settle()

    world.lock_ends(builders.good())
    world.settle()

    assert world.condition("Stalled") == ("True", "InsufficientMemory")
    assert world.condition("PairCompatible") == ("True", "Equal")
    assert not world.all_of("Deployment")

    world.pass_time(61)
    world.settle()
    assert world.condition("Stalled") == ("True", "InsufficientMemory")
    assert world.condition("PairCompatible") == ("True", "Equal")


def test_a_pair_that_the_engine_refuses_never_becomes_pods() -> None:
    """Equal tokenizers, padded to different rows: vLLM compares the rows."""
    world = World()
    world.settle()
    sides = {
        name: builders.side(f"hf://org/{name}", config_vocab_size=rows)
        for name, rows in (("target", 152_064), ("draft", 151_936))
    }
    world.lock_ends(builders.good(reason="PaddedVocab", **sides))
    world.settle()

    assert world.condition("Stalled") == ("True", "UnsupportedCombination")
    assert "use_heterogeneous_vocab: true" in world.message("Stalled")
    assert world.condition("PairCompatible") == ("True", "PaddedVocab")
    assert not world.all_of("Deployment")

    world.edit({"speculation.engineConfig": {"use_heterogeneous_vocab": True}})
    world.settle()
    world.lock_ends(builders.good(reason="PaddedVocab", **sides))
    world.settle()

    assert world.condition("Stalled") is None
    assert world.all_of("Deployment")


def test_what_the_engine_starts_and_is_not_what_one_expects_is_told_with_the_pair() -> None:
    world = World()
    world.settle()
    target = builders.side(facts=ModelFacts(context_length=262_144))
    draft = builders.side("hf://org/draft", facts=ModelFacts(context_length=40_960))
    world.lock_ends(builders.good(target=target, draft=draft))
    world.settle()

    assert world.condition("PairCompatible") == ("True", "Equal")
    assert "the draft ends at 40960 tokens" in world.message("PairCompatible")
    assert "the target serves 262144" in world.message("PairCompatible")


def test_a_live_edit_that_the_engine_cannot_carry_out_is_told_with_its_remedy() -> None:
    world = World(
        builders.resource(
            {"speculation.method": "Suffix", "speculation.constrainedOutput": "Allow"}, draft=None
        )
    )
    world.settle()
    world.lock_ends(builders.good(reason="NoDraft", draft=None))
    world.settle()
    world.roll_out()
    world.settle()
    assert world.condition("Stalled") is None

    world.edit({"speculation.constrainedOutput": "Bypass"})
    world.settle()

    assert world.condition("Stalled") == ("True", "UnsupportedCombination")
    assert "set constrainedOutput: Allow" in world.message("Stalled")
    assert world.condition("PairCompatible") == ("True", "NoDraft")
    assert world.condition("Ready") == ("True", "Serving")
    assert len(world.all_of("ControllerRevision")) == 1

    world.edit({"speculation.constrainedOutput": "Allow"})
    world.settle()

    assert world.condition("Stalled") is None
    assert "candidate" not in world.resource["status"]


def test_a_pair_that_the_policy_skips_says_so_for_as_long_as_it_serves() -> None:
    world = World(builders.resource({"tokenizerLock.policy": "Skip"}))
    world.settle()
    world.lock_ends(replace(builders.wrong(), allowed=True))
    world.settle()
    world.roll_out()
    world.settle()

    assert world.condition("PairCompatible") == ("True", "Skipped")
    assert "Incompatible IdsDiffer" in world.message("PairCompatible")
    assert world.resource["status"]["pair"]["reason"] == "IdsDiffer"
