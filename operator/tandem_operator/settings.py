"""What the administrator configures, from the environment; the chart writes it.

| variable | meaning |
|---|---|
| `TANDEM_RUNTIME_IMAGE` | image of the lock Job and the fetching init container; required |
| `TANDEM_TORCH_IMAGE` | image of the torch engine, for resources that name none |
| `TANDEM_IMAGE_PULL_POLICY` | of the runtime image |
| `TANDEM_WATCH_NAMESPACES` | comma list; empty: all |
| `TANDEM_NAMESPACE`, `TANDEM_LEASE`, `TANDEM_IDENTITY` | of the Lease, and who asks for it |
| `TANDEM_HUB_ENDPOINT`, `TANDEM_S3_ENDPOINT` | sources of models; empty: the libraries' own |
| `TANDEM_PROMETHEUS_URL` | read metrics there instead of from the pods |
| `TANDEM_SCRAPE_INTERVAL_SECONDS` | between two reads when nothing changes |
| `TANDEM_ACCELERATOR_MEMORY_GIB` | JSON object: GiB of one device by extended resource |
| `TANDEM_LOCK_RESOURCES`, `TANDEM_FETCH_RESOURCES` | JSON, of the runtime image's containers |
| `TANDEM_RUNTIME_SECURITY_CONTEXT` | JSON object over the restricted one of those containers |
| `TANDEM_HTTP_PORT` | of /healthz, /readyz and /metrics |
| `TANDEM_LOG_LEVEL`, `TANDEM_LOG_FORMAT` | debug..error; json (as in the chart) or text |
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from tandem_operator.engines.installation import FETCH_RESOURCES, LOCK_RESOURCES

PREFIX = "TANDEM_"
GIB = 2**30


class SettingsError(Exception):
    """The environment is not as it must be; the message names each variable and its value."""


def _listed(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if _text(value) else value


def _parsed(value: Any) -> Any:
    return json.loads(value or "{}") if _text(value) else value


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value


def _text(value: Any) -> bool:
    return isinstance(value, str)


Url = Annotated[
    Annotated[str, Field(pattern="^https?://[^/]+")] | None, BeforeValidator(_none_if_empty)
]

JsonObject = Annotated[dict[str, Any], BeforeValidator(_parsed)]


class Settings(BaseModel):
    """Checked once at start; immutable."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    runtime_image: Annotated[str, Field(min_length=1)]
    torch_image: Annotated[str, Field(min_length=1)] = "tandem-engine"
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    watch_namespaces: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    namespace: str = "default"
    lease: str = "tandem"
    identity: Annotated[str, Field(min_length=1, default_factory=socket.gethostname)]
    hub_endpoint: Url = None
    s3_endpoint: Url = None
    prometheus_url: Url = None
    scrape_interval_seconds: Annotated[float, Field(ge=1, le=300)] = 10.0
    accelerator_memory_gib: Annotated[
        dict[str, Annotated[float, Field(gt=0)]], BeforeValidator(_parsed)
    ] = Field(default_factory=dict)
    lock_resources: JsonObject = Field(default_factory=lambda: dict(LOCK_RESOURCES))
    fetch_resources: JsonObject = Field(default_factory=lambda: dict(FETCH_RESOURCES))
    runtime_security_context: JsonObject = Field(default_factory=dict)
    http_port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "text"] = "json"

    @property
    def memory_bytes(self) -> dict[str, int]:
        """Bytes of one device by extended resource."""
        return {name: int(gib * GIB) for name, gib in self.accelerator_memory_gib.items()}

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Raises SettingsError with every variable that is missing or wrong."""
        given = {
            name.removeprefix(PREFIX).lower(): value
            for name, value in environ.items()
            if name.startswith(PREFIX)
        }
        try:
            return cls.model_validate(given)
        except (ValidationError, json.JSONDecodeError) as error:
            raise SettingsError(_told(error)) from None


def _told(error: ValidationError | json.JSONDecodeError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{PREFIX}ACCELERATOR_MEMORY_GIB is no JSON object: {error}"
    return "; ".join(
        f"{PREFIX}{'_'.join(str(part) for part in found['loc']).upper()}: {found['msg']}"
        for found in error.errors(include_url=False)
    )
