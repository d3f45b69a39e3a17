"""SGLang: what is refused, how it is started, and what its page tells."""

from __future__ import annotations

import argparse
import json
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.api.spec import EngineType, Method
from tandem_operator.api.status import LiveMode
from tandem_operator.engines import registry
from tandem_operator.engines.pod import flags, start
from tandem_operator.engines.sglang import DRIVER
from tandem_operator.engines.sglang.flags import OWNED_FLAGS
from tandem_operator.engines.sglang.methods import LACKING, METHODS
from tandem_operator.metrics.page import parse
from tests.unit.engines import builders
from tests.unit.engines.sglang.builders import FIXED, spec

OPTIONS = json.loads(
    (builders.REPOSITORY / "tests/unit/engines/sglang/options_0_5_23.json").read_text()
)
OWNED = frozenset({
    "--config", "--custom-weight-loader", "--data-parallel-size", "--decoupled-spec-bind-endpoint",
    "--decoupled-spec-connect-endpoints", "--decoupled-spec-rank", "--decoupled-spec-role",
    "--decrypted-config-file", "--decrypted-draft-config-file", "--device", "--disaggregation-mode",
    "--dist-init-addr", "--download-dir", "--dp-size", "--enable-dp-attention", "--enable-metrics",
    "--enable-multi-layer-eagle", "--enable-ssl-refresh", "--encoder-only", "--extra-metric-labels",
    "--fastapi-root-path", "--gated-launch-port", "--grpc-mode", "--host", "--is-embedding",
    "--json-model-override-args", "--load-format", "--model", "--model-path",
    "--nccl-init-addr", "--nnodes",
    "--node-rank", "--pipeline-parallel-size", "--port", "--pp-size", "--revision",
    "--served-model-name", "--sidecar", "--sidecar-args", "--skip-tokenizer-init",
    "--smg-grpc-mode", "--ssl-ca-certs", "--ssl-certfile", "--ssl-keyfile",
    "--ssl-keyfile-password", "--tensor-parallel-size", "--tokenizer-path", "--tp-size",
    "--trust-remote-code", "--uno-lora-path", "--use-ray",
})  # fmt: skip
SPELLINGS = [each for action in OPTIONS for each in action["options"] if each != "-h"]


class Parser(argparse.ArgumentParser):
    """As SGLang's: abbreviations are taken."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def parser() -> Parser:
    made = Parser(add_help=False)
    for number, action in enumerate(OPTIONS):
        kind: dict[str, Any] = {} if action["value"] else {"action": "store_true"}
        made.add_argument(*action["options"], dest=f"at{number}", **kind)
    return made


def rendered(changes: dict[str, Any], **how: Any) -> Any:
    return DRIVER.render(builders.launch({**FIXED, "engine.type": "SGLang", **changes}, **how))


def test_the_container_of_an_eagle3_head_on_four_gpus() -> None:
    changes = {
        "speculation.method": "Eagle3",
        "parallelism.tensor": 4,
        "engine.args": ["--mem-fraction-static", "0.8"],
        "engine.image": "lmsysorg/sglang:v0.5.23",
    }
    parts = rendered(changes)
    container = parts.leader.container

    assert container["command"] == start.command()
    assert container["args"] == [
        "--", "python3", "-m", "sglang.launch_server", "--model-path=/models/target",
        "--served-model-name=chat", "--host=0.0.0.0", "--port=8000", "--enable-metrics",
        "--tp-size=4", "--speculative-algorithm=EAGLE3",
        "--speculative-draft-model-path=/models/draft", "--speculative-eagle-topk=1",
        "--speculative-num-steps=7", "--speculative-num-draft-tokens=8",
        "--mem-fraction-static", "0.8",
    ]  # fmt: skip
    assert parts.tiers == (7,)
    assert container["resources"]["limits"] == {"nvidia.com/gpu": "4"}
    assert {probe: container[probe]["httpGet"]["path"] for probe in container if "Probe" in probe}
    assert builders.env(parts)["TANDEM_DIGESTS_FILE"] == "/tandem/state/digests.json"
    assert builders.env(parts)["HF_HUB_OFFLINE"] == "1"
    assert container["lifecycle"]["preStop"]["exec"]["command"][-2:] == [
        "sglang:num_running_reqs",
        "sglang:num_queue_reqs",
    ]
    assert rendered(changes) == parts


def test_adaptive_tiers_are_rendered_as_the_engine_starts() -> None:
    parts = rendered(
        {"speculation.method": "Eagle", "speculation.engineConfig": {"adaptive": True}}
    )
    words = parts.leader.container["args"]

    assert words[: words.index("--")] == [
        "--adaptive=/tmp/tandem-adaptive.json",
        "--initial-tokens=3",
    ]
    assert "--speculative-adaptive" in words
    assert not [word for word in words if "num-steps" in word], "the file decides"
    assert parts.tiers == (0, 1, 3, 7)
    assert builders.env(parts)["TANDEM_TIERS"] == "0,1,3,7"


def test_without_speculation_no_word_of_it_is_left() -> None:
    parts = rendered(
        {"speculation.method": "Eagle", "speculation.engineConfig": {"adaptive": True}},
        without_speculation=True,
    )

    assert parts.leader.container["args"][0] == "--"
    assert not [word for word in parts.leader.container["args"] if "specul" in word]
    assert parts.tiers == (0,)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_sglang_is_taken(method: Method) -> None:
    assert DRIVER.validate(spec(method)) == ()
    assert DRIVER.live_mode(spec(method)) is LiveMode.ROLLOUT


def test_each_other_method_is_refused_with_its_reason() -> None:
    assert set(METHODS) | set(LACKING) == set(Method)
    for method, (message, remedy) in LACKING.items():
        changes = {"speculation.layerSkip": {"exitLayer": 2}}
        asked = spec(method, changes if method is Method.LAYER_SKIP else {})
        (error,) = [each for each in DRIVER.validate(asked) if "method" in each.field]
        assert (error.message, error.remedy) == (message, remedy)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"tuning.mode": "Auto"}, "tuning.mode"),
        ({"tuning.mode": "Observe"}, "tuning.mode"),
        ({"speculation.constrainedOutput": "Bypass"}, "speculation.constrainedOutput"),
        ({"speculation.initialTokens": 3}, "speculation.initialTokens"),
        ({"tuning.maxTokens": 0}, "tuning.maxTokens"),
        ({"tuning.minTokens": 1}, "tuning.minTokens"),
        ({"tuning.policy": "Thresholds"}, "tuning.policy"),
        (
            {"tuning.objective.timePerOutputTokenMs": 40},
            "tuning.objective.timePerOutputTokenMs",
        ),
        ({"tuning.thresholds.maxConcurrency": 8}, "tuning.thresholds.maxConcurrency"),
        (
            {"tuning.thresholds.minAcceptanceRatePercent": 40},
            "tuning.thresholds.minAcceptanceRatePercent",
        ),
        ({"tuning.segments": [{"name": "code", "maxTokens": 1}]}, "tuning.segments"),
        ({"tuning.offMode": "Redeploy"}, "tuning.offMode"),
        ({"tuning.onDecay": "Restart"}, "tuning.onDecay"),
        ({"parallelism.pipeline": 2}, "parallelism.pipeline"),
        ({"parallelism.data": 2}, "parallelism.data"),
        ({"parallelism.tensor": 4, "accelerator.count": 2}, "accelerator.count"),
        ({"parallelism.tensor": 4, "speculation.draftTensorParallel": 1}, "draftTensorParallel"),
        ({"engine.env": [{"name": "SGLANG_SIMULATE_ACC_LEN", "value": "4"}]}, "engine.env[0].name"),
        ({"engine.args": ["--speculative-num-steps=9"]}, "engine.args[0]"),
        ({"speculation.engineConfig": {"num_steps": 9}}, "engineConfig.num_steps"),
        ({"speculation.engineConfig": {"accept-threshold-single": 0.5}}, "engineConfig.accept-"),
        ({"speculation.engineConfig": {"frobnicate": 9}}, "engineConfig.frobnicate"),
        ({"speculation.engineConfig": {"ngram_capacity": 9}}, "engineConfig.ngram_capacity"),
        ({"speculation.engineConfig": {"attention_mode": "both"}}, "engineConfig.attention_mode"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_would_have_no_effect_is_refused(changes: dict[str, Any], field: str) -> None:
    (error,) = DRIVER.validate(spec(Method.EAGLE3, changes))

    assert field in error.field
    assert error.message
    assert error.remedy


def test_with_adaptive_tiers_the_limit_of_requests_is_read_at_the_start_and_said_so() -> None:
    asked = spec(
        Method.EAGLE3,
        {
            "speculation.engineConfig": {"adaptive": True},
            "speculation.initialTokens": 1,
            "tuning.thresholds.maxConcurrency": 8,
        },
    )

    assert DRIVER.validate(asked) == ()
    assert [each.field for each in DRIVER.warn(asked)] == [
        "spec.speculation.initialTokens",
        "spec.tuning.thresholds.maxConcurrency",
    ]
    assert DRIVER.warn(spec(Method.EAGLE3)) == ()


def test_the_draft_model_cannot_be_adaptive() -> None:
    (error,) = DRIVER.validate(
        spec(Method.DRAFT_MODEL, {"speculation.engineConfig": {"adaptive": True}})
    )

    assert error.message == "it is for Eagle, Eagle3, MTP"


def test_the_owned_options_and_no_others_are_refused() -> None:
    owned = {option for option in SPELLINGS if flags.owned_by(option, OWNED_FLAGS)}

    assert owned == OWNED | {each for each in SPELLINGS if each.startswith("--speculative")} | {
        # Beginnings of options that are owned.
        each
        for each in SPELLINGS
        if each.startswith("--no-speculative")
    }


def test_an_owned_option_is_owned_in_all_its_names() -> None:
    for action in OPTIONS:
        owned = [flags.owned_by(each, OWNED_FLAGS) is not None for each in action["options"]]
        assert all(owned) or not any(owned), action["options"]


@given(st.sampled_from(SPELLINGS), st.data())
def test_no_beginning_that_the_parser_takes_for_an_owned_option_passes(
    option: str, data: st.DataObject
) -> None:
    cut = option[: data.draw(st.integers(3, len(option)))]
    try:
        taken, rest = parser().parse_known_args([cut, "1"])
    except ValueError:
        return
    if cut in rest:
        return
    named = {
        each
        for number, action in enumerate(OPTIONS)
        if getattr(taken, f"at{number}") not in (None, False)
        for each in action["options"]
    }
    if named & OWNED:
        assert flags.owned_by(cut, OWNED_FLAGS), cut


PAGE = """\
# HELP sglang:num_running_reqs The number of running requests.
# TYPE sglang:num_running_reqs gauge
sglang:num_running_reqs{engine_type="unified",model_name="chat",tp_rank="0"} 3.0
sglang:num_queue_reqs{engine_type="unified",model_name="chat",tp_rank="0"} 2.0
sglang:spec_accept_length{engine_type="unified",model_name="chat",tp_rank="0"} 2.7
sglang:spec_accept_rate{engine_type="unified",model_name="chat",tp_rank="0"} 0.34
sglang:generation_tokens_total{is_streaming="true",model_name="chat"} 700.0
sglang:generation_tokens_total{is_streaming="false",model_name="chat"} 300.0
sglang:prompt_tokens_total{is_streaming="true",model_name="chat"} 90.0
sglang:spec_verify_calls_total{model_name="chat"} 370.0
sglang:time_to_first_token_seconds_sum{is_streaming="true",model_name="chat"} 1.5
sglang:time_to_first_token_seconds_count{is_streaming="true",model_name="chat"} 10.0
"""
"""Written after SGLang's collector; not recorded."""


@pytest.mark.parametrize("prefix", ["sglang:", "sglang_"])
def test_traffic_is_read_and_no_acceptance_is_made_up(prefix: str) -> None:
    reader = registry.driver(EngineType.SGLANG).metrics
    sample = reader.read(parse(PAGE.replace("sglang:", prefix), reader.prefixes), 0.0)

    assert (sample.running, sample.waiting) == (3, 2)
    assert sample.totals["generated_tokens"] == 1000
    assert sample.totals["first_token_seconds"] == 1.5
    assert (sample.totals["drafts"], sample.accepted_by_position) == (0, ())
