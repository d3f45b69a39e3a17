"""`tandem plan`: effective defaults, refusals, children; errors that say what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tandem_operator.cli.main import main

MANIFEST = """\
apiVersion: tandem.dev/v1alpha1
kind: SpeculativeDeployment
metadata: {name: chat}
spec:
  replicas: 2
  target: {uri: "hf://org/target"}
  draft: {uri: "hf://org/draft"}
  speculation: {method: DraftModel}
  engine: {type: vLLM, image: "vllm/vllm-openai:v0.32.0"}
"""


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "chat.yaml"
    path.write_text(MANIFEST)
    return path


def refused(path: Path, old: str, new: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command says to a manifest with one change; it must refuse it."""
    path.write_text(MANIFEST.replace(old, new))
    assert main(["plan", "-f", str(path)]) == 1
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_defaults_and_children_are_shown(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", "-f", str(manifest)]) == 0

    output = capsys.readouterr().out
    assert "initial tokens: 3" in output
    assert "lock policy: SameVocabulary" in output
    for child in ("Job chat-lock-", "Deployment chat", "PodDisruptionBudget chat"):
        assert child in output


def test_yaml_holds_the_objects_themselves(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", "-f", str(manifest), "-o", "yaml", "-n", "serving"]) == 0

    head, *children = yaml.safe_load_all(capsys.readouterr().out)
    assert head["effective"]["servedName"] == "chat"
    by_kind = {child["kind"]: child for child in children}
    assert by_kind["Deployment"]["spec"]["replicas"] == 2
    assert by_kind["Service"]["metadata"]["namespace"] == "serving"


def test_a_mistyped_field_names_the_nearest_one(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = refused(manifest, "{method: DraftModel}", "{method: DraftModel, maxToken: 3}", capsys)

    assert "spec.speculation.maxToken is no field: did you mean maxTokens?" in message


def test_a_missing_field_is_named(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(manifest, '  target: {uri: "hf://org/target"}\n', "", capsys)

    assert "spec.target is required and missing" in message


def test_an_owned_argument_is_refused_with_its_remedy(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = refused(manifest, "{type: vLLM,", '{type: vLLM, args: ["--port=1"],', capsys)

    assert "InvalidArguments: spec.engine.args[0]: --port=1" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [", "is not YAML"),
        ("", "it is empty"),
        ("kind: Deployment", "it holds Deployment"),
    ],
)
def test_a_file_without_a_manifest_is_said_to_be_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, expected: str
) -> None:
    path = tmp_path / "chat.yaml"
    path.write_text(text)

    assert main(["plan", "-f", str(path)]) == 2
    assert expected in capsys.readouterr().err


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "none.yaml"

    assert main(["plan", "-f", str(missing)]) == 2
    assert f"{missing} cannot be read" in capsys.readouterr().err


def test_what_the_image_must_bring_is_told(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = MANIFEST.replace('  draft: {uri: "hf://org/draft"}\n', "")
    manifest.write_text(
        changed.replace("{method: DraftModel}", "{method: Suffix, constrainedOutput: Allow}")
    )

    assert main(["plan", "-f", str(manifest)]) == 0
    assert "pip install arctic-inference" in capsys.readouterr().out


def test_a_file_that_no_engine_loads_is_refused_by_its_name(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = refused(manifest, "hf://org/draft", "pvc://models/small-Q8_0.GGUF", capsys)

    assert "spec.draft.uri" in message
    assert "use a copy of the model in safetensors" in message


def test_a_depth_that_is_taken_down_is_noted(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest.write_text(MANIFEST.replace("method: DraftModel", "method: DraftModel, maxTokens: 6"))

    assert main(["plan", "-f", str(manifest)]) == 0
    assert "speculation.maxTokens 6 is lowered to 3" in capsys.readouterr().out
