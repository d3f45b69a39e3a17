"""A Prometheus as people have it: its own authority, a token that is renewed, headers, tenants.

The server that answers most of these tests is none: it says what it was asked with. The last test
has a real Prometheus behind TLS.
"""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hack.cluster.binaries import MissingProgramError
from hack.prometheus import server
from tandem_operator.engines.vllm import DRIVER
from tandem_operator.metrics.prometheus import PrometheusReader
from tandem_operator.metrics.scrape import UnreachableError
from tests.engines.prometheus.replica import REPLICA
from tests.parts import skip_without

NOTHING = {"status": "success", "data": {"resultType": "matrix", "result": []}}


@dataclass
class Asked:
    """A server and the headers of each request that reached it."""

    url: str
    authority: Path
    headers: list[dict[str, str]] = field(default_factory=list)
    redirect: str | None = None


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Asked]:
    certificate, key = certificate_of_loopback(tmp_path)
    made = Asked("", certificate)

    async def answer(request: web.Request) -> web.Response:
        made.headers.append(dict(request.headers))
        if made.redirect is not None:
            raise web.HTTPFound(made.redirect)
        return web.json_response(NOTHING)

    application = web.Application()
    application.router.add_get("/prometheus/api/v1/query", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    made.url = f"https://127.0.0.1:{runner.addresses[0][1]}/prometheus/"
    yield made
    await runner.cleanup()


def certificate_of_loopback(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "prometheus")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "tls.crt", folder / "tls.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, private


async def error_of(reader: PrometheusReader) -> str:
    outcomes = await reader.read("serving", (REPLICA,), DRIVER.metrics)
    lost = outcomes[REPLICA.pod]
    assert isinstance(lost, UnreachableError)
    return str(lost)


async def test_token_headers_and_tenant_go_with_each_request(asked: Asked, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    reader = PrometheusReader(
        asked.url,
        ca_file=str(asked.authority),
        token_file=str(token),
        headers={"X-Team": "serving"},
        tenant="blue",
    )

    assert "no sample" in await error_of(reader)
    token.write_text("second")
    await error_of(reader)

    assert [each["Authorization"] for each in asked.headers] == ["Bearer first", "Bearer second"]
    assert {each["X-Team"] for each in asked.headers} == {"serving"}
    assert {each["X-Scope-OrgID"] for each in asked.headers} == {"blue"}


async def test_an_authority_that_is_not_known_is_refused(asked: Asked) -> None:
    assert "certificate verify failed" in await error_of(PrometheusReader(asked.url))
    assert asked.headers == []


async def test_a_redirect_is_not_followed_with_the_token(asked: Asked, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("secret")
    asked.redirect = asked.url + "api/v1/query"
    reader = PrometheusReader(asked.url, ca_file=str(asked.authority), token_file=str(token))

    assert "redirects" in await error_of(reader)
    assert len(asked.headers) == 1


@pytest.mark.parametrize(
    "options", [{"token_file": "/nowhere/token"}, {"ca_file": "/nowhere/ca.crt"}]
)
async def test_a_file_that_is_missing_is_named(asked: Asked, options: dict[str, Any]) -> None:
    known = {"ca_file": str(asked.authority), **options}

    (missing,) = options.values()
    assert missing in await error_of(PrometheusReader(asked.url, **known))


async def test_a_password_in_the_url_is_never_told() -> None:
    reason = await error_of(PrometheusReader("http://me:secret@127.0.0.1:1/path"))

    assert "http://127.0.0.1:1/path" in reason
    assert "secret" not in reason


async def test_a_real_prometheus_behind_tls_answers_to_whom_its_authority_is_known(
    tmp_path: Path,
) -> None:
    certificate, key = certificate_of_loopback(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    try:
        started = server.serve(tmp_path, port, {}, tls=(certificate, key))
        url = await anyio.to_thread.run_sync(started.__enter__)
    except MissingProgramError as missing:
        skip_without(missing)
    try:
        assert url.startswith("https://")
        assert "no sample" in await error_of(PrometheusReader(url, ca_file=str(certificate)))
        assert "certificate verify failed" in await error_of(PrometheusReader(url))
    finally:
        await anyio.to_thread.run_sync(lambda: started.__exit__(None, None, None))
