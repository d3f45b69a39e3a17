"""Text to tokens and back: the tokenizer, the chat template, and texts that end an answer."""

from __future__ import annotations

import json
from collections.abc import Sequence as Listed
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream

from tandem_runtime.engine.server.openai.errors import ApiError


class Tokens:
    """One model's tokenizer and template."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "tokenizer.json"
        self._tokenizer = Tokenizer.from_file(str(self.file))
        path = folder / "tokenizer_config.json"
        self._config: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        template = folder / "chat_template.jinja"
        self._source = (
            template.read_text() if template.exists() else self._config.get("chat_template")
        )
        self._environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        self._environment.globals["raise_exception"] = _raise

    def encode(self, text: str) -> list[int]:
        """The tokens of a prompt, with those that the tokenizer puts around it."""
        return list(self._tokenizer.encode(text).ids)

    def chat(self, messages: list[dict[str, Any]], more: dict[str, Any]) -> list[int]:
        """The tokens of a conversation by the model's template. Raises ApiError."""
        if not isinstance(self._source, str):
            raise ApiError(400, "this model has no chat template; use /v1/completions", "messages")
        names = {name: self._special(name) for name in ("bos_token", "eos_token")}
        try:
            text = self._environment.from_string(self._source).render(
                {"messages": messages, "add_generation_prompt": True, **names, **more}
            )
        except (TemplateError, TypeError) as error:
            raise ApiError(400, f"the chat template refuses this: {error}", "messages") from error
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def text(self, token: int) -> str:
        """One token by itself, for lists of log-probabilities."""
        return str(self._tokenizer.decode([token], skip_special_tokens=False))

    def reader(self, stops: Listed[str]) -> Reader:
        """Reads one answer."""
        return Reader(self._tokenizer, stops)

    def _special(self, name: str) -> str:
        token = self._config.get(name) or ""
        return str(token["content"] if isinstance(token, dict) else token)


class Reader:
    """Turns an answer's tokens into text as they come, up to the first of the stops.

    Text that may be the beginning of a stop is held back until it is known.
    """

    def __init__(self, tokenizer: Tokenizer, stops: Listed[str]) -> None:
        self.stopped = False
        self._tokenizer = tokenizer
        self._stream = DecodeStream(skip_special_tokens=True)
        self._stops = stops
        self._pending = ""

    def read(self, token: int) -> str:
        """The text that this token lets go."""
        text = self._pending + (self._stream.step(self._tokenizer, token) or "")
        places = [place for stop in self._stops if (place := text.find(stop)) >= 0]
        if places:
            self.stopped = True
            self._pending = ""
            return text[: min(places)]
        keep = max((_beginning(text, stop) for stop in self._stops), default=0)
        self._pending = text[len(text) - keep :]
        return text[: len(text) - keep]

    def end(self) -> str:
        """What was held back, when no more tokens come."""
        pending, self._pending = self._pending, ""
        return pending


def _beginning(text: str, stop: str) -> int:
    """Length of the longest end of `text` with which `stop` begins."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if stop.startswith(text[-n:])), 0)


def _raise(message: str) -> None:
    raise TemplateError(message)
