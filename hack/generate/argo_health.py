"""Argo CD's settings with the health script, which it reads from a ConfigMap of its own."""

from __future__ import annotations

from pathlib import Path

from tandem_operator.api import names

ARGO = Path(__file__).resolve().parents[2] / "deploy" / "argocd"
SCRIPT = ARGO / "resource_customizations" / names.GROUP / names.KIND / "health.lua"


def render() -> str:
    """A patch for `argocd-cm`; Argo CD knows no health of the kind without it."""
    script = "".join(f"    {line}\n" for line in SCRIPT.read_text(encoding="utf-8").splitlines())
    return (
        "# Made from health.lua by `python -m hack.generate`: edit there. Put it into Argo CD:\n"
        "# kubectl -n argocd patch configmap argocd-cm --patch-file argocd-cm.yaml\n"
        "apiVersion: v1\n"
        "kind: ConfigMap\n"
        "metadata:\n"
        "  name: argocd-cm\n"
        "  namespace: argocd\n"
        "data:\n"
        f"  resource.customizations.health.{names.GROUP}_{names.KIND}: |\n{script}"
    )
