"""Manifests as files."""

from __future__ import annotations

from pathlib import Path

HEAD = "apiVersion: tandem.dev/v1alpha1\nkind: SpeculativeDeployment\n"
SPEC = """\
spec:
  target: {uri: "hf://org/target"}
  speculation: {method: NGram}
  engine: {type: vLLM, image: "vllm/vllm-openai:v0.32.0"}
"""


def resource(name: str, more: str = "") -> str:
    return f"{HEAD}metadata: {{name: {name}{more}}}\n{SPEC}"


def written(folder: Path, text: str, name: str = "chat.yaml") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)
