"""`tandem verify-pair` and `tandem plan --target --draft`: lock and engine, on local folders."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tandem_operator.api.conditions import StalledReason
from tandem_operator.cli import pair_inspection, verify_pair
from tandem_operator.cli.main import main
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.pair_validation import PairValidation
from tandem_operator.engines.registry import driven
from tests.unit.lock import builders

Object = dict[str, Any]

MANIFEST: Object = {
    "apiVersion": "tandem.dev/v1alpha1",
    "kind": "SpeculativeDeployment",
    "metadata": {"name": "chat"},
    "spec": {
        "target": {"uri": "hf://acme/chat"},
        "draft": {"uri": "pvc://models/head"},
        "speculation": {"method": "Eagle3", "maxTokens": 3},
        "engine": {"type": "vLLM", "image": "vllm/vllm-openai:v0.32.0"},
    },
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a target, an equal draft and an EAGLE-3 head that declares hf://acme/chat."""
    builders.write(tmp_path / "target", builders.files())
    builders.write(tmp_path / "draft", builders.files())
    head = {
        "architectures": ["Eagle3Speculator"],
        "speculators_model_type": "eagle3",
        "speculators_config": {"verifier": {"name_or_path": "acme/chat"}},
        "transformer_layer_config": {"model_type": "llama"},
    }
    builders.write(tmp_path / "head", {"config.json": json.dumps(head).encode()})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_pair(words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a command line."""
    status = main(shlex.split(words))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def refusing(monkeypatch: pytest.MonkeyPatch, field: str, value: str) -> None:
    """From now on the engine refuses every pair for this field."""
    error = FieldError(StalledReason.UNSUPPORTED_COMBINATION, field, value, "it cannot", "lower it")
    monkeypatch.setattr(
        pair_inspection.registry, "validate_pair", lambda *_: PairValidation((error,))
    )


def test_the_json_has_the_method_and_what_the_engine_says(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "verify-pair target draft --method DraftModel --max-tokens 3 --tensor 2 --output json"
    status, out, _ = run_pair(words, capsys)

    document = json.loads(out)
    assert status == 0
    assert (document["verdict"], document["method"]) == ("Compatible", "DraftModel")
    assert document["engine"]["allowed"] is True
    assert isinstance(document["engine"]["reasons"], list)


def test_what_the_engine_refuses_is_not_allowed_whatever_the_lock_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refusing(monkeypatch, "spec.speculation.maxTokens", "5")

    status, out, _ = run_pair("verify-pair target draft", capsys)
    assert status == 1
    assert out.splitlines()[:2] == [
        "Compatible (Equal): not allowed, vLLM 0.32.0 would not start it",
        "vLLM 0.32.0: --max-tokens 5: it cannot; lower it",
    ]

    status, out, _ = run_pair("verify-pair target draft --output json", capsys)
    assert status == 1
    assert json.loads(out)["engine"] == {
        "allowed": False,
        "reasons": ["spec.speculation.maxTokens: 5: it cannot; lower it"],
    }


def test_the_spec_that_the_engine_judges_is_the_one_of_the_arguments(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    judged = []
    monkeypatch.setattr(
        pair_inspection.registry,
        "validate_pair",
        lambda spec, _: judged.append(spec) or PairValidation(),
    )
    words = (
        "verify-pair target head --method Eagle3 --max-tokens 7 --tensor 4 --target-name acme/chat "
        "--engine-version v0.33.1 --attested-target hf://acme/chat@main --policy TargetDeclared"
    )
    assert run_pair(words, capsys)[0] == 0

    (spec,) = judged
    assert spec.speculation.method.value == "Eagle3"
    assert (spec.speculation.max_tokens, spec.parallelism.tensor) == (7, 4)
    assert spec.engine.image == "vllm/vllm-openai:v0.33.1"
    assert spec.tokenizer_lock.attested_target.uri == "hf://acme/chat"
    assert spec.tokenizer_lock.policy.value == "TargetDeclared"


def test_another_engine_judges_by_its_own_rules_and_without_a_version(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_pair("verify-pair target draft --engine Torch", capsys)[0] == 0

    status, out, _ = run_pair("verify-pair target draft --engine Torch --tensor 2", capsys)

    assert status == 1
    assert out.splitlines()[:2] == [
        "Compatible (Equal): not allowed, Torch would not start it",
        "Torch: --tensor 2: the torch engine runs on one device; remove it and set spec.replicas, "
        "or use engine.type: vLLM",
    ]


@pytest.mark.parametrize("draft", ["", "-"])
@pytest.mark.parametrize("method", ["NGram", "Suffix"])
def test_a_method_without_a_draft_inspects_the_target_alone(
    draft: str, method: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = run_pair(f"verify-pair target {draft} --method {method}", capsys)

    assert status == 0
    assert out.startswith("Compatible (NoDraft): allowed")


@pytest.mark.parametrize("method", ["DraftModel", "Eagle3", "MTP", "Medusa", "DFlash", "DSpark"])
def test_every_method_that_may_have_a_draft_takes_one(
    method: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_pair(f"verify-pair target draft --method {method}", capsys)[0] in (0, 1)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("target", "that goes without: MTP, NGram, Suffix, LayerSkip, DSpark"),
        ("target - --method Eagle3", "name DRAFT"),
        ("target draft --method NGram", "method NGram has no draft: leave DRAFT out"),
        ("target draft --max-tokens 33", "give 1 to 32"),
        ("target draft --tensor x", "give 1 to 64"),
        ("target draft --engine Xyz", f"--engine: 'Xyz' is no value here: {', '.join(driven())}"),
        ("target draft --engine-version latest", "give a version, as 0.32.0"),
        ("target head --attested-target acme/chat", "did you mean hf://acme/chat?"),
    ],
)
def test_wrong_usage_is_told(
    words: str, expected: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["verify-pair", *words.split()])

    assert stopped.value.code == 2
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "side"),
    [("acme/chat draft", "target"), ("target acme/small", "draft"), ("a/b@main c/d", "target")],
)
def test_a_hub_name_without_its_scheme_is_asked_back(
    words: str, side: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = run_pair(f"verify-pair {words}", capsys)
    named = words.split()[0 if side == "target" else 1]

    assert status == 2
    assert err.startswith(f"tandem verify-pair: {side}: {named} does not exist")
    assert err.endswith(f"did you mean hf://{named}?\n")


def test_a_folder_of_that_name_is_no_hub_name(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    builders.write(folder / "acme" / "chat", builders.files())

    assert run_pair("verify-pair acme/chat target", capsys)[0] == 0


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("set tokenizerLock.allowRemoteCode", "set --allow-remote-code"),
        ("spec.speculation.maxTokens: 5: too deep", "--max-tokens 5: too deep"),
        ("spec.target.uri: models/x: no", "TARGET: models/x: no"),
        ("set speculation.method: Eagle3, or else", "set --method Eagle3, or else"),
        ("speculation.maxTokensElse", "speculation.maxTokensElse"),
        ("it ends; set maxTokens: 3 or 6", "it ends; set --max-tokens 3 or 6"),
        ("lower tuning.maxTokens", "lower tuning.maxTokens"),
        (
            "state it: tokenizerLock.attestedTarget.uri: hf://acme/chat",
            "state it: --attested-target hf://acme/chat",
        ),
    ],
)
def test_fields_are_named_by_what_stands_for_them(line: str, expected: str) -> None:
    assert verify_pair._with_flags(line) == expected


def planned(folder: Path, changes: Object | None = None) -> str:
    path = folder / "chat.yaml"
    path.write_text(yaml.safe_dump({**MANIFEST, **(changes or {})}))
    return str(path)


def test_plan_judges_the_pair_of_a_manifest_on_folders(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = f"plan -f {planned(folder)} --target target --draft head"

    status, out, _ = run_pair(words, capsys)
    assert status == 0
    assert "    Compatible (DeclaredTarget): allowed" in out.splitlines()

    status, out, _ = run_pair(f"{words} -o yaml", capsys)
    head = next(yaml.safe_load_all(out))
    assert (status, head["pair"]["method"]) == (0, "Eagle3")
    assert head["pair"]["engine"]["allowed"] is True

    status, out, _ = run_pair(f"{words} -o json", capsys)
    document = json.loads(out)
    assert (status, document["pair"], document["refusals"]) == (0, head["pair"], [])
    assert "Deployment" in [each["kind"] for each in document["objects"]]


def test_plan_refuses_what_lock_or_engine_refuse(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = {**MANIFEST["spec"], "target": {"uri": "hf://acme/other"}}
    path = planned(folder, {"spec": other})
    status, out, _ = run_pair(f"plan -f {path} --target target --draft head", capsys)
    assert status == 1
    assert "(DeclaredTargetDiffers): not allowed" in out
    assert "Deployment chat" not in out

    refusing(monkeypatch, "spec.speculation.maxTokens", "3")
    status, out, _ = run_pair(f"plan -f {planned(folder)} --target target --draft head", capsys)
    assert status == 1
    assert "spec.speculation.maxTokens: 3: it cannot; lower it" in out


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("--target target", "draft: pvc://models/head is mounted in a cluster alone"),
        ("--target target --draft nothing", "does not exist"),
    ],
)
def test_plan_says_what_it_cannot_inspect(
    flags: str, expected: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = run_pair(f"plan -f {planned(folder)} {flags}", capsys)

    assert status == 2
    assert expected in err


def test_folders_are_for_one_resource(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = planned(folder)
    status, _, err = run_pair(f"plan -f {path} -f {path} --target target --draft head", capsys)

    assert status == 2
    assert "--target and --draft is for one resource, and there are 2" in err


def test_a_draft_that_the_manifest_lacks_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = {**MANIFEST["spec"], "speculation": {"method": "NGram"}}
    del spec["draft"]
    path = planned(folder, {"spec": spec})

    status, _, err = run_pair(f"plan -f {path} --target target --draft draft", capsys)
    assert status == 2
    assert "the manifest has no draft" in err
    assert run_pair(f"plan -f {path} --target target", capsys)[0] == 0
