"""Keys, certificates and tokens of one cluster, made again with it and gone with it."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ADMIN = "admin"
LIFETIME = datetime.timedelta(days=30)
MASTERS = "system:masters"


@dataclass(frozen=True)
class Credentials:
    """Where everything lies; `tokens` are bearer tokens by user."""

    folder: Path
    tokens: dict[str, str]

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def kubeconfig(self, server: str, user: str, namespace: str = "default") -> str:
        """A kubeconfig of one user, as JSON (which is YAML)."""
        authority = base64.b64encode((self.folder / "ca.crt").read_bytes()).decode()
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "tandem",
                "clusters": [
                    {
                        "name": "tandem",
                        "cluster": {"server": server, "certificate-authority-data": authority},
                    }
                ],
                "users": [{"name": user, "user": {"token": self.tokens[user]}}],
                "contexts": [
                    {
                        "name": "tandem",
                        "context": {"cluster": "tandem", "user": user, "namespace": namespace},
                    }
                ],
            },
            indent=1,
        )


def make(folder: Path, addresses: tuple[str, ...], nodes: tuple[str, ...]) -> Credentials:
    """An authority, the API server's certificate for these addresses, and a token a user."""
    folder.mkdir(parents=True, exist_ok=True)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("tandem-cluster", None, authority_key, authority_key, None, ())
    _write(folder / "ca.crt", authority.public_bytes(serialization.Encoding.PEM))
    for name, subject, group in (
        ("apiserver", "kube-apiserver", None),
        ("kubelet-client", "kube-apiserver-kubelet-client", MASTERS),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(subject, group, key, authority_key, authority, addresses)
        _write(folder / f"{name}.crt", made.public_bytes(serialization.Encoding.PEM))
        _write(folder / f"{name}.key", _private(key))
    signer = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    _write(folder / "service-account.key", _private(signer))
    groups = {ADMIN: MASTERS, "system:kube-controller-manager": MASTERS}
    groups |= {"system:kube-scheduler": MASTERS, "system:kube-proxy": MASTERS}
    groups |= {f"system:node:{node}": "system:nodes" for node in nodes}
    tokens = {user: secrets.token_hex(24) for user in groups}
    lines = [f'{tokens[user]},{user},{user},"{group}"' for user, group in groups.items()]
    _write(folder / "tokens.csv", "\n".join(lines).encode())
    return Credentials(folder, tokens)


def _certificate(
    subject: str,
    group: str | None,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    addresses: tuple[str, ...],
) -> x509.Certificate:
    names = [x509.NameAttribute(NameOID.COMMON_NAME, subject)]
    if group is not None:
        names.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
    name = x509.Name(names)
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer is not None:
        usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usage), critical=False)
        served: list[x509.GeneralName] = [
            x509.DNSName(host) for host in ("localhost", "kubernetes", "kubernetes.default.svc")
        ]
        served += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
        builder = builder.add_extension(x509.SubjectAlternativeName(served), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _private(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
