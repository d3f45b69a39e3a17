"""Every generated file: where it lies, and what makes its text."""

from collections.abc import Callable, Mapping
from pathlib import Path

from hack.generate import argo_health, chart_values, crd, dashboard
from hack.generate.pages import cli_page, metrics_page, resource_page, support_page, vllm_page

FILES: Mapping[str, Callable[[], str]] = {
    "crds/tandem.dev_speculativedeployments.yaml": crd.render,
    # Helm reads files of its own folder only, so the chart carries a copy.
    "charts/tandem/files/crd.yaml": crd.render,
    "charts/tandem/values.schema.json": chart_values.schema,
    "charts/tandem/README.md": chart_values.readme,
    "charts/tandem/files/dashboard.json": dashboard.render,
    "deploy/argocd/argocd-cm.yaml": argo_health.render,
    "docs/resource.md": resource_page.render,
    "docs/cli.md": cli_page.render,
    "docs/metrics.md": metrics_page.render,
    "docs/engines/vllm.md": vllm_page.render,
    "docs/support.md": support_page.render,
}
"""Path below the root of the repository, and its text."""


def stale(root: Path) -> dict[str, str]:
    """The files below `root` that are absent or differ, with the text that they should have."""
    wanted = {path: render() for path, render in FILES.items()}
    return {path: text for path, text in wanted.items() if _current(root / path) != text}


def write(root: Path, texts: Mapping[str, str]) -> None:
    """Write the texts below `root`; folders that are missing are made."""
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8", newline="\n")


def _current(path: Path) -> str | None:
    return path.read_bytes().decode("utf-8", "replace") if path.is_file() else None
