"""Which vLLM an image of AWS holds, as far as its name tells."""

import re

NAME = re.compile(r"(?:^|/)pytorch-inference-vllm-neuronx$")
TAG = re.compile(r"^v?0\.(\d{1,3})\.\d")
"""vLLM's version at the beginning of a tag: `0.24.0-neuronx-py312-sdk2.32.0-ubuntu24.04`."""
OLDEST = (0, 21)
"""The first with AWS's new plugin; those before compile with NxD Inference and have no EAGLE-3."""


def version_of(image: str | None) -> tuple[int, int] | None:
    """(major, minor) of the vLLM in an image; None where name and tag do not tell."""
    repository, separator, tag = (image or "").partition("@")[0].rpartition(":")
    if not separator or "/" in tag or NAME.search(repository) is None:
        return None
    match = TAG.match(tag)
    return None if match is None else (0, int(match[1]))
