from __future__ import annotations

from pathlib import Path

from hack.cluster.node.mounts import below

TABLE = r"""
22 1 254:0 / / rw - ext4 /dev/vda rw
31 22 0:30 / /run/tandem/one/containerd rw - overlay overlay rw
32 31 0:31 / /run/tandem/one/containerd/a\040b/rootfs rw - overlay overlay rw
33 22 0:32 / /run/tandem/one-more/containerd rw - overlay overlay rw
""".strip()


def test_mounts_below_a_folder_come_innermost_first() -> None:
    assert below(Path("/run/tandem/one"), TABLE) == [
        Path("/run/tandem/one/containerd/a b/rootfs"),
        Path("/run/tandem/one/containerd"),
    ]


def test_a_folder_whose_name_begins_alike_is_another() -> None:
    assert below(Path("/run/tandem/one-more"), TABLE) == [Path("/run/tandem/one-more/containerd")]
