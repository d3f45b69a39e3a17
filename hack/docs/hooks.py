"""What MkDocs calls (`hooks` in mkdocs.yml): README and other files outside docs/ become pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from hack.docs.links import OUTSIDE, relinked


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside docs/."""
    root = Path(config.config_file_path).parent
    for source, page in OUTSIDE.items():
        text = (root / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Make the links of one page those of the site."""
    return relinked(markdown, page.file.src_uri)
