"""From the text of a piece to the bytes that it stands for.

Added and special tokens run through the same decoding as the vocabulary, as they do when a loader
decodes ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tandem_runtime.lock.fingerprint.tokenizer import BYTE
from tandem_runtime.lock.formats.parts import byte_level

WORD_START = "▁"
"""U+2581, which SentencePiece writes for a space."""
_BYTE_PIECES = {
    form % value: bytes([value]) for form in ("<0x%02X>", "<0x%02x>") for value in range(256)
}


@dataclass(frozen=True)
class Decoding:
    """How a tokenizer's pieces are decoded. `replaced` are pairs (written, meant), in order."""

    byte_level: bool = False
    byte_fallback: bool = False
    replaced: tuple[tuple[str, str], ...] = ()

    def contents(self, texts: Sequence[str]) -> tuple[list[bytes], bytes]:
        """The bytes of each piece, and the kind of each (see tokenizer.py)."""
        if self.byte_level:
            contents = byte_level.all_to_bytes(texts)
        elif len(self.replaced) == 1:
            written, meant = self.replaced[0]
            contents = [text.replace(written, meant).encode() for text in texts]
        else:
            contents = [self._replace(text).encode() for text in texts]
        if not self.byte_fallback:
            return contents, bytes(len(texts))
        kinds = bytearray(len(texts))
        for index, text in enumerate(texts):
            if text in _BYTE_PIECES:
                contents[index] = _BYTE_PIECES[text]
                kinds[index] = BYTE
        return contents, bytes(kinds)

    def _replace(self, text: str) -> str:
        for written, meant in self.replaced:
            text = text.replace(written, meant)
        return text


SENTENCEPIECE = Decoding(byte_fallback=True, replaced=((WORD_START, " "),))
BYTE_LEVEL = Decoding(byte_level=True)
VERBATIM = Decoding()
