"""The images of the local cluster, each kept by the hash of everything that goes into it."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from hack.arctic import environment as arctic_environment
from hack.cluster.binaries import CACHE
from hack.images import kept, static
from hack.images.builder import Image, builder, ensure_packages, run
from hack.triton import environment as triton_environment

REPOSITORY = Path(__file__).parents[2]
FOLDER = CACHE / "images"
SUITE = "bookworm"
PACKAGES = "python3,python3-venv,python3-pip,ca-certificates,libnuma1"
BASE_RECIPE = f"{SUITE} {PACKAGES} 1"
ENGINE_FILE = Path(__file__).parent / "engine.Dockerfile"
TRITON_FILE = Path(__file__).parent / "triton.Dockerfile"
TORCH_FILE = Path(__file__).parent / "torch.Dockerfile"
SOURCES = ("Dockerfile", "pyproject.toml", "uv.lock", "README.md", "LICENSE", "operator", "runtime")


def base() -> str:
    """Reference of a Debian with Python 3.11, made by debootstrap once; `BASE_IMAGE` wins.

    Raises ImageError where it cannot be made.
    """
    given = os.environ.get("BASE_IMAGE")
    if given:
        return given
    reference = f"localhost/tandem-base:{_hash(BASE_RECIPE)}"
    with kept.Alone(FOLDER, "base"):
        if not builder().has(reference):
            _make_base(reference)
    return reference


def operator(version: str = "") -> Image:
    """The operator from this tree. `version` makes another content of the same code, for tests."""
    return _project("operator", version)


def runtime(version: str = "") -> Image:
    """The runtime (lock, fetch and plugin) from this tree."""
    return _project("runtime", version)


def engine() -> Image:
    """A small image in which `vllm` is the environment mounted at /opt/vllm.

    It stands in for the stock engine image, which is 6 GB and needs a GPU.
    """
    image = Image(
        "localhost/tandem-engine:demo",
        _archive("engine", _hash(_base_recipe(), _text(ENGINE_FILE))),
    )

    def build() -> None:
        arguments = {"BASE_IMAGE": base()}
        context = ENGINE_FILE.parent
        builder().build(image, context, ENGINE_FILE, target="engine", arguments=arguments)

    return kept.once(image, build)


def arctic() -> Image:
    """The image `engine` with arctic-inference, for method Suffix.

    Raises EnvironmentMissingError as `python -m hack.arctic env`.
    """
    made = arctic_environment.ensure()
    digest = _hash(_base_recipe(), _text(ENGINE_FILE), made.name)
    image = Image(f"localhost/tandem-arctic:{digest}", _archive("arctic", digest))

    def build() -> None:
        arguments = {"BASE_IMAGE": base()}
        builder().build(image, made, ENGINE_FILE, target="arctic", arguments=arguments)

    return kept.once(image, build)


def torch() -> Image:
    """The torch engine of this tree, with torch from the environment mounted at /opt/vllm.

    It stands in for the Dockerfile's target `engine`, which would bring another torch.
    """
    digest = _hash(_base_recipe(), _text(TORCH_FILE), _content("runtime"))
    image = Image(f"localhost/tandem-torch:{digest}", _archive("torch", digest))

    def build() -> None:
        builder().build(image, REPOSITORY, TORCH_FILE, arguments={"BASE_IMAGE": base()})

    return kept.once(image, build)


def triton() -> Image:
    """Triton with the torch engine of this tree, with torch from the environment at /opt/vllm.

    It stands in for the Dockerfile's target `triton`, which would bring another torch.
    Raises EnvironmentMissingError as `python -m hack.triton env`.
    """
    made = triton_environment.ensure()
    digest = _hash(_base_recipe(), _text(TRITON_FILE), _content("runtime"), made.name)
    image = Image(f"localhost/tandem-triton:{digest}", _archive("triton", digest))

    def build() -> None:
        leave_out = shutil.ignore_patterns("__pycache__", "pytriton", "nvidia_pytriton.libs")
        with TemporaryDirectory(prefix="tandem-triton-image-") as context:
            for name, source in (
                ("runtime", REPOSITORY / "runtime"),
                ("tritonserver", made / "tritonserver"),
                ("site-packages", made / triton_environment.SITE_PACKAGES),
            ):
                shutil.copytree(source, Path(context) / name, ignore=leave_out)
            builder().build(image, Path(context), TRITON_FILE, arguments={"BASE_IMAGE": base()})

    return kept.once(image, build)


def _base_recipe() -> str:
    return os.environ.get("BASE_IMAGE", BASE_RECIPE)


def _project(target: str, version: str) -> Image:
    digest = _hash(_base_recipe(), version, *(_content(name) for name in SOURCES))
    image = Image(f"localhost/tandem-{target}:{digest}", _archive(target, digest))

    def build() -> None:
        arguments = {"BASE_IMAGE": base(), "BUILD": version}
        builder().build(
            image, REPOSITORY, REPOSITORY / "Dockerfile", target=target, arguments=arguments
        )

    return kept.once(image, build)


def _make_base(reference: str) -> None:
    ensure_packages({"debootstrap": "debootstrap"})
    print(f"making {reference} by debootstrap, once (a minute)", file=sys.stderr, flush=True)
    root = FOLDER / "base" / "root"
    shutil.rmtree(root.parent, ignore_errors=True)
    root.parent.mkdir(parents=True)
    run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(root)])
    for needless in ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc"):
        shutil.rmtree(root / needless, ignore_errors=True)
    tarball = root.parent / "root.tar"
    run(["tar", "--numeric-owner", "-C", str(root), "-cf", str(tarball), "."])
    builder().import_root(reference, tarball)
    shutil.rmtree(root.parent)


def _archive(name: str, digest: str) -> Path:
    FOLDER.mkdir(parents=True, exist_ok=True)
    return FOLDER / f"{name}-{digest}.tar"


def _content(name: str) -> str:
    path = REPOSITORY / name
    if path.is_file():
        return _text(path)
    files = sorted(f for f in path.rglob("*") if f.is_file() and "__pycache__" not in f.parts)
    return "".join(
        f"{f.relative_to(path)}\0{hashlib.sha256(f.read_bytes()).hexdigest()}\n" for f in files
    )


def _text(path: Path) -> str:
    return path.read_text()


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def pause() -> Image:
    """What holds a pod's namespaces; the local node loads it by itself."""
    archive, reference = static.ensure("pause")
    return Image(reference, archive)


def probe() -> Image:
    """A pod that answers HTTP with its name, for tests of the ground."""
    archive, reference = static.ensure("probe")
    return Image(reference, archive)
