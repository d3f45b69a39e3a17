"""What of a machine is checked before an engine starts."""

from pathlib import Path

import pytest

from hack.gpu.setup.machine import MachineError, detect


def program(folder: Path, text: str) -> Path:
    path = folder / "vllm"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\x7fELF", "is no Python program"),
        ("#!/bin/sh\n", "is no Python program"),
        ("#!/nowhere/bin/python3\n", "does not answer"),
    ],
)
def test_a_vllm_that_cannot_be_asked_is_refused_by_name(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(MachineError, match=message):
        detect(program(tmp_path, text), dry=False)


def test_a_vllm_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="No such file"):
        detect(tmp_path / "vllm", dry=False)


def test_a_python_without_torch_is_refused(tmp_path: Path) -> None:
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\necho 'No module named torch' >&2\nexit 1\n")
    python.chmod(0o755)

    with pytest.raises(MachineError, match="has no torch: No module named torch"):
        detect(program(tmp_path, f"#!{python}\n"), dry=False)


def test_a_named_vllm_without_a_gpu_is_refused_and_not_measured_on_cpu(tmp_path: Path) -> None:
    python = tmp_path / "python3"
    python.write_text('#!/bin/sh\necho \'TANDEM {"torch": "2.13", "vllm": "0.32"}\'\n')
    python.chmod(0o755)

    with pytest.raises(MachineError, match=r"torch 2\.13 sees no GPU: .*DRY=1"):
        detect(program(tmp_path, f"#!{python}\n"), dry=False)


def test_a_gpu_is_measured_with_the_vllm_that_was_named(tmp_path: Path) -> None:
    python = tmp_path / "python3"
    facts = '{"torch": "2.13", "vllm": "0.32", "gpu": "H100"}'
    python.write_text(f"#!/bin/sh\necho 'TANDEM {facts}'\n")
    python.chmod(0o755)
    vllm = program(tmp_path, f"#!{python}\n")

    machine = detect(vllm, dry=False)

    assert machine.serve == (str(vllm), "serve")
    assert not machine.dry
    assert machine.facts["gpu"] == "H100"
