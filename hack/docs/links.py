"""Links of pages, as the site needs them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

OUTSIDE: Mapping[str, str] = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "CODE_OF_CONDUCT.md": "code-of-conduct.md",
    "charts/tandem/README.md": "chart.md",
}
"""Files outside docs/ that are pages of the site as well: path in the repository, and page."""
INSIDE = "docs/"

_FENCED = re.compile(r"(^ *```.*?^ *```\s*$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<=\]\()(?![a-z][a-z0-9+.-]*:|#|/)([^)#\s]+)")


def relinked(markdown: str, page: str) -> str:
    """The text of a page of the site, with links from page to page.

    In the repository a link is relative to the file, which may lie elsewhere. A link to a file that
    is no page stays as it is: MkDocs reports it. Fenced blocks are left alone.
    """
    sources = {shown: source for source, shown in OUTSIDE.items()}
    folder = posixpath.dirname(sources.get(page, INSIDE + page))

    def link(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[0]))
        if target in OUTSIDE:
            target = OUTSIDE[target]
        elif target.startswith(INSIDE):
            target = target.removeprefix(INSIDE)
        else:
            return match[0]
        return posixpath.relpath(target, posixpath.dirname(page) or ".")

    parts = _FENCED.split(markdown)
    return "".join(part if at % 2 else _LINK.sub(link, part) for at, part in enumerate(parts))
