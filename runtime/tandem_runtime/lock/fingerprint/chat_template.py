"""The hash of the chat template, which is informational: it changes no token."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from tandem_runtime.contract.pod_lock import canonical
from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.files import strict_json
from tandem_runtime.lock.files.folder import ModelFolder
from tandem_runtime.lock.fingerprint.tokenizer import Tokenizer

_FILE = "chat_template.jinja"
_OLD_FILE = "chat_template.json"


def template_hash(
    folder: ModelFolder, config: Mapping[str, Any] | None, tokenizer: Tokenizer | None
) -> str | None:
    """`sha256:<hex>` of the template, None where there is none. Raises RefusedError.

    A file of its own goes before the configuration's key, as in the library that reads them.
    """
    template = _template(folder, config, tokenizer)
    if template is None:
        return None
    text = template if isinstance(template, str) else canonical(template)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _template(
    folder: ModelFolder, config: Mapping[str, Any] | None, tokenizer: Tokenizer | None
) -> object:
    if folder.holds(_FILE):
        content = folder.read(_FILE, strict_json.MAX_CONFIG_BYTES)
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise lock_errors.malformed(_FILE, f"is not UTF-8 at byte {error.start}") from error
    if folder.holds(_OLD_FILE):
        document = strict_json.read_object(folder, _OLD_FILE, strict_json.MAX_CONFIG_BYTES)
        return document.get("chat_template")
    stated = None if config is None else config.get("chat_template")
    return stated if stated is not None else tokenizer and tokenizer.chat_template
