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
| `TANDEM_PROMETHEUS_CA_FILE` | PEM authorities that its certificate is checked against |
| `TANDEM_PROMETHEUS_TOKEN_FILE` | bearer token, read again for each request |
| `TANDEM_PROMETHEUS_HEADERS` | JSON object of headers that each request carries |
| `TANDEM_PROMETHEUS_TENANT` | sent as `X-Scope-OrgID` (Mimir, Cortex, Thanos) |
| `TANDEM_SCRAPE_INTERVAL_SECONDS` | between two reads when nothing changes |
| `TANDEM_ACCELERATOR_MEMORY_GIB` | JSON object: GiB of one device by extended resource |
| `TANDEM_ROLLOUT_TIMES` | JSON object: `RolloutTimes` in camelCase, seconds |
| `TANDEM_LOCK_RESOURCES`, `TANDEM_FETCH_RESOURCES` | JSON, of the runtime image's containers |
| `TANDEM_RUNTIME_SECURITY_CONTEXT` | JSON object over the restricted one of those containers |
| `TANDEM_RUNTIME_ENVIRONMENT` | JSON object: variables of those containers (a proxy) |
| `TANDEM_CA_CONFIG_MAP`, `TANDEM_CA_KEY` | authorities that those containers trust instead |
| `TANDEM_POD_MONITOR_LABELS`, `TANDEM_POD_MONITOR_INTERVAL` | of the engines' PodMonitors |
| `TANDEM_HTTP_PORT` | of /healthz, /readyz and /metrics |
| `TANDEM_LOG_LEVEL`, `TANDEM_LOG_FORMAT` | debug..error; json (as in the chart) or text |
"""

from __future__ import annotations

import argparse
import json
import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from tandem_operator.engines.interface.installation import (
    FETCH_RESOURCES,
    LOCK_RESOURCES,
    CaBundle,
)
from tandem_operator.engines.interface.rollout_times import RolloutTimes

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
Strings = Annotated[dict[str, str], BeforeValidator(_parsed)]
OptionalText = Annotated[str | None, BeforeValidator(_none_if_empty)]
Duration = Annotated[
    Annotated[str, Field(pattern=r"^([0-9]+(ms|s|m|h))+$")] | None, BeforeValidator(_none_if_empty)
]


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
    prometheus_ca_file: OptionalText = None
    prometheus_token_file: OptionalText = None
    prometheus_headers: Strings = Field(default_factory=dict)
    prometheus_tenant: OptionalText = None
    scrape_interval_seconds: Annotated[float, Field(ge=1, le=300)] = 10.0
    accelerator_memory_gib: Annotated[
        dict[str, Annotated[float, Field(gt=0)]], BeforeValidator(_parsed)
    ] = Field(default_factory=dict)
    rollout_times: Annotated[RolloutTimes, BeforeValidator(_parsed)] = Field(
        default_factory=RolloutTimes
    )
    lock_resources: JsonObject = Field(default_factory=lambda: dict(LOCK_RESOURCES))
    fetch_resources: JsonObject = Field(default_factory=lambda: dict(FETCH_RESOURCES))
    runtime_security_context: JsonObject = Field(default_factory=dict)
    runtime_environment: Strings = Field(default_factory=dict)
    ca_config_map: OptionalText = None
    ca_key: Annotated[str, Field(min_length=1)] = "ca.crt"
    pod_monitor_labels: Strings = Field(default_factory=dict)
    pod_monitor_interval: Duration = None
    http_port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "text"] = "json"

    @property
    def memory_bytes(self) -> dict[str, int]:
        """Bytes of one device by extended resource."""
        return {name: int(gib * GIB) for name, gib in self.accelerator_memory_gib.items()}

    @property
    def ca_bundle(self) -> CaBundle | None:
        """What the runtime's containers trust; None: what their image does."""
        if self.ca_config_map is None:
            return None
        return CaBundle(self.ca_config_map, self.ca_key)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], arguments: Sequence[str] = ()) -> Settings:
        """Arguments (`--log-level debug`) go before variables (`TANDEM_LOG_LEVEL`).

        Raises SettingsError with every variable that is missing or wrong, and for an argument that
        names none.
        """
        given = {
            name.removeprefix(PREFIX).lower(): value
            for name, value in environ.items()
            if name.startswith(PREFIX)
        } | _arguments(cls.model_fields, arguments)
        try:
            return cls.model_validate(given)
        except (ValidationError, json.JSONDecodeError) as error:
            raise SettingsError(_message_of(error)) from None


def _arguments(fields: Iterable[str], arguments: Sequence[str]) -> dict[str, str]:
    parser = argparse.ArgumentParser(exit_on_error=False, allow_abbrev=False, add_help=False)
    for name in fields:
        parser.add_argument(f"--{name.replace('_', '-')}", default=argparse.SUPPRESS)
    try:
        given, unknown = parser.parse_known_args(arguments)
    except argparse.ArgumentError as error:
        raise SettingsError(str(error)) from None
    if unknown:
        known = ", ".join(sorted(f"--{name.replace('_', '-')}" for name in fields))
        raise SettingsError(f"unknown argument {unknown[0]}; there are {known}")
    return dict(vars(given))


def _message_of(error: ValidationError | json.JSONDecodeError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{PREFIX}ACCELERATOR_MEMORY_GIB is no JSON object: {error}"
    return "; ".join(
        f"{PREFIX}{'_'.join(str(part) for part in fault['loc']).upper()}: {fault['msg']}"
        for fault in error.errors(include_url=False)
    )
