"""Which vLLM an image holds, as far as its name tells."""

import re

NAME = re.compile(r"(?:^|/)vllm(?:-(?:openai|cpu|rocm|xpu|tpu|release|repo))*$")
"""The last part of the names under which vLLM's own images are published and mirrored."""
TAG = re.compile(r"^v?0\.(\d{1,3})\.\d")
"""vLLM's own version at the beginning of a tag. Others number such images by year and month."""


def version_of(image: str | None) -> tuple[int, int] | None:
    """(major, minor) of the vLLM in an image; None where name and tag do not tell.

    A tag of somebody's own image is a version of that image, so only vLLM's names count; a digest
    behind the tag changes nothing.
    """
    if image is None:
        return None
    named = image.partition("@")[0]
    repository, separator, tag = named.rpartition(":")
    if not separator or "/" in tag or NAME.search(repository) is None:
        return None
    match = TAG.match(tag)
    return None if match is None else (0, int(match[1]))
