"""The part of a hand-written page that is generated: what stands between two marks."""

from __future__ import annotations

END = "<!-- End of what is generated. -->"


def filled(text: str, begin: str, content: str, name: str) -> str:
    """The text of page `name` with `content` between the mark `begin` and the next `END`.

    Raises ValueError when the page has lost one of its marks.
    """
    before, begun, rest = text.partition(begin)
    _, ended, after = rest.partition(END)
    if not (begun and ended):
        raise ValueError(f"{name} has lost one of its marks: {begin} ... {END}")
    return f"{before}{begin}\n\n{content}\n\n{END}{after}"
