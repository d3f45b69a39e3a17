"""Engine profiles by name: those that come with this release, or a file of one's own."""

from __future__ import annotations

from pathlib import Path

from tandem_operator import profiles as bundled
from tandem_operator.cli.parsing import nearest
from tandem_operator.simulation.world.profile import ProfileError

FOLDER = Path(bundled.__file__).parent


def names() -> list[str]:
    """The profiles of this release."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def path_of(given: str) -> Path:
    """The file of a profile: a name of this release, or a path. Raises ProfileError."""
    path = Path(given)
    if path.is_file():
        return path
    if given in names():
        return FOLDER / f"{given}.json"
    if path.suffix == ".json" or path.name != given:
        raise ProfileError(f"{given}: No such file; bundled are {', '.join(names())}")
    raise ProfileError(
        f"{given} is no file and no bundled profile{nearest(given, names())}: "
        f"bundled are {', '.join(names())}"
    )
