"""`python -m hack.vllm_matrix [VERSION ...]`: whether the table of vLLM's capabilities still holds.

Reads the sources of the newest versions that the registry has (or of those that are named) and
exits with 1 where one of them says otherwise; nothing of vLLM is run.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hack.vllm_matrix import compare, facts, sources, syntax
from tandem_runtime.contract.engines import vllm_capabilities as table


def main(words: list[str]) -> int:
    """Exit status: 0 it holds, 1 a truth changed, 2 the registry could not be read."""
    changed = 0
    for package in sources.PACKAGES:
        try:
            for version in words or sources.newest(package):
                folder = sources.unpacked(package, version)
                major, minor, *_ = map(int, version.split("."))
                changed += _report(f"{package} {version}", folder, (major, minor))
        except subprocess.CalledProcessError as error:
            if words:
                continue  # not every version has a wheel of both packages
            print(f"the registry does not give {package}: {error.stderr}", file=sys.stderr)
            return 2
    return 1 if changed else 0


def _report(name: str, folder: Path, version: tuple[int, int]) -> int:
    try:
        differences = list(
            compare.differences(facts.read(folder), version, table.drafters_of(version))
        )
    except syntax.MissingError as missing:
        differences = [f"the sources are written otherwise than the reader knows: {missing}"]
    read = "" if version in table.READ else " (a version that the table does not name yet)"
    verdict = f"{len(differences)} truths changed" if differences else "the table holds"
    print(f"{name}{read}: {verdict}")
    for each in differences:
        print(f"  {each}")
    return len(differences)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
