"""Which TensorRT-LLM an image holds, as far as its name tells."""

import re

NAME = re.compile(r"(?:^|/)tensorrt-llm/(?:release|devel)$")
"""The last parts of the names of NVIDIA's own images. Those of Triton are numbered by year and
month."""
TAG = re.compile(r"^v?(\d{1,2})\.(\d{1,3})(?:\D|$)")


def version_of(image: str | None) -> tuple[int, int] | None:
    """(major, minor) of the TensorRT-LLM in an image; None where name and tag do not tell."""
    repository, separator, tag = (image or "").partition("@")[0].rpartition(":")
    if not separator or "/" in tag or NAME.search(repository) is None:
        return None
    match = TAG.match(tag)
    return None if match is None else (int(match[1]), int(match[2]))
