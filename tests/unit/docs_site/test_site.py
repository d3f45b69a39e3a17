"""The documentation builds as a site, and a fault in it fails the build with its name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HOME = "docs/tuning.md"


# Not --quiet: it hides warnings from strict mode too.
def built(root: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(out)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A checkout with what the site is built from."""
    root = tmp_path / "checkout"
    for folder in ("docs", "hack/docs", "charts/tandem"):
        shutil.copytree(ROOT / folder, root / folder)
    for file in (*ROOT.glob("*.md"), ROOT / "mkdocs.yml"):
        shutil.copy(file, root)
    return root


def test_the_site_builds_and_asks_no_other_server(tmp_path: Path) -> None:
    ended = built(ROOT, tmp_path)

    assert ended.returncode == 0, ended.stderr
    assert 'href="first-15-minutes/"' in (tmp_path / "index.html").read_text()
    for page in ("chart", "changelog", "cli", "metrics", "resource", "decisions"):
        text = (tmp_path / page / "index.html").read_text()
        assert ' src="http' not in text, page
        assert 'rel="stylesheet" href="http' not in text, page


FAULTS = {
    "[x](no-such-page.md)": "no-such-page.md",
    "[x](lock.md#no-such-heading)": "no-such-heading",
    "[x](../hack/cluster)": "../hack/cluster",
    "![x](no-such-picture.png)": "no-such-picture.png",
}


def test_a_link_to_nothing_and_a_page_in_no_menu_fail_the_build(copy: Path) -> None:
    page = copy / HOME
    page.write_text("\n\n".join((page.read_text(), *FAULTS)))
    (copy / "docs" / "forgotten.md").write_text("# Forgotten\n")

    ended = built(copy, copy / "site")

    assert ended.returncode == 1
    warnings = [line for line in ended.stderr.splitlines() if "tuning.md" in line]
    assert [fault for fault in FAULTS.values() if not any(fault in line for line in warnings)] == []
    assert "forgotten.md" in ended.stderr
