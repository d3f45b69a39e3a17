"""Links of a file in the repository become links of its page in the site."""

from __future__ import annotations

import pytest

from hack.docs.links import relinked


@pytest.mark.parametrize(
    ("page", "link", "becomes"),
    [
        ("index.md", "docs/tuning.md", "tuning.md"),
        ("index.md", "docs/demo.png", "demo.png"),
        ("index.md", "CONTRIBUTING.md", "contributing.md"),
        ("support.md", "../CHANGELOG.md", "changelog.md"),
        ("support.md", "engines/vllm.md", "engines/vllm.md"),
        ("engines/vllm.md", "../bench-gpu.md", "../bench-gpu.md"),
        ("engines/vllm.md", "../../charts/tandem/README.md", "../chart.md"),
        ("chart.md", "../../docs/gitops.md", "gitops.md"),
        ("tuning.md", "lock.md#memory", "lock.md#memory"),
        ("index.md", "docs/runbooks/README.md", "runbooks/README.md"),
    ],
)
def test_a_link_to_a_page_leads_to_it(page: str, link: str, becomes: str) -> None:
    assert relinked(f"see [it]({link}), or\n", page) == f"see [it]({becomes}), or\n"


@pytest.mark.parametrize("link", ["https://example.com/a.md", "#memory", "../hack/cluster"])
def test_what_is_no_page_stays(link: str) -> None:
    assert relinked(f"[it]({link})", "tuning.md") == f"[it]({link})"


def test_a_fenced_block_stays() -> None:
    text = "```\n[it](../CHANGELOG.md)\n```\n[it](../CHANGELOG.md)\n"

    assert relinked(text, "support.md") == "```\n[it](../CHANGELOG.md)\n```\n[it](changelog.md)\n"
