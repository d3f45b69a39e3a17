"""Everything that is written for each example, as bytes.

`python -m tests.unit.planning.rendered` writes the folder `rendered/`, which
`test_rendered_bytes.py` compares. Run it only where other bytes are wanted, and read the difference
before you commit it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import yaml

from tests.unit.planning import builders
from tests.unit.planning.builders import Object
from tests.unit.planning.world import World

REPOSITORY = Path(__file__).parents[3]
EXAMPLES = REPOSITORY / "examples"
STORED = Path(__file__).parent / "rendered"
COMMAND = "python -m tests.unit.planning.rendered"
REFUSED = ("bad", "profiles")
"""Folders without a manifest that anything is made for."""


def manifests() -> dict[str, Object]:
    """The manifests that may be applied, by their place in examples/."""
    return {
        str(path.relative_to(EXAMPLES)): manifest
        for path in sorted(EXAMPLES.rglob("*.yaml"))
        if path.relative_to(EXAMPLES).parts[0] not in REFUSED
        for manifest in yaml.safe_load_all(path.read_text())
        if manifest["kind"] == "SpeculativeDeployment"
    }


def bodies(manifest: Object) -> list[Object]:
    """What is applied, in its order: from the first plan to a table that the tuner decided."""
    world = World(_stored(manifest))
    world.installation = replace(builders.INSTALLATION, pod_monitors=True)
    made = list(_settled(world))
    spec = manifest["spec"]
    target = builders.side(spec["target"]["uri"])
    draft = spec.get("draft")
    world.lock_ends(
        builders.good(
            reason="Equal" if draft else "NoDraft",
            target=target,
            draft=builders.side(draft["uri"], parameters=1_000_000) if draft else None,
        )
    )
    made += _settled(world)
    world.tuning = builders.tuning(
        world.lock_hash, shape="shape", state_json="{}", records_json="[]", state_due=True
    )
    for apply in world.reconcile().applies:
        made.append(apply.body)
    return made


def text(manifest: Object) -> str:
    """The bodies as they are kept."""
    return json.dumps(bodies(manifest), indent=1, sort_keys=True) + "\n"


def stored(example: str) -> Path:
    """Where an example's bytes are kept."""
    return STORED / f"{example.removesuffix('.yaml').replace('/', '.')}.json"


def _settled(world: World) -> Iterator[Object]:
    while not (wanted := world.reconcile()).writes_nothing:
        yield from (builders.copied(apply.body) for apply in wanted.applies)


def _stored(manifest: Object) -> Object:
    made = builders.resource()
    made["metadata"]["name"] = manifest["metadata"]["name"]
    made["metadata"]["namespace"] = manifest["metadata"].get("namespace", builders.NAMESPACE)
    made["spec"] = builders.copied(manifest["spec"])
    return made


def main() -> None:
    """Write what is made now, and nothing else into the folder."""
    STORED.mkdir(exist_ok=True)
    for path in STORED.glob("*.json"):
        path.unlink()
    for example, manifest in manifests().items():
        stored(example).write_text(text(manifest))
        print(f"wrote {stored(example).relative_to(REPOSITORY)}")


if __name__ == "__main__":
    main()
