"""Models in a bucket, against a local S3 server: the lock Job, the pod, and what is told apart."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto.server import ThreadedMotoServer

from tandem_runtime.contract import pod_lock, report, request
from tandem_runtime.contract.pod_lock import LockedSide, PodLock
from tandem_runtime.contract.report import LockFailure, PairReport
from tandem_runtime.contract.request import LockRequest, SourceRequest
from tandem_runtime.lock import fetch, job
from tandem_runtime.lock.errors import CannotInspectError
from tandem_runtime.lock.sources.access import Access
from tandem_runtime.lock.sources.s3 import bucket as s3
from tandem_runtime.lock.sources.s3 import models as s3_models
from tandem_runtime.lock.sources.s3 import prefix as s3_prefix
from tandem_runtime.lock.sources.s3 import refusals as s3_refusals
from tests.unit.lock import builders

KEYS = {"AWS_ACCESS_KEY_ID": "user", "AWS_SECRET_ACCESS_KEY": "never-to-be-told"}
TARGET, DRAFT = "s3://models/llama/chat", "s3://models/llama/small"
POD = Access(with_secret=True, in_a_pod=True)
WEIGHTS = builders.safetensors(w=("F16", [2_000_000], bytes(4_000_000)))


class Bucket:
    """`models` on a server of its own; counts nothing, holds what the test puts there."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.client = boto3.client(
            "s3", endpoint_url=endpoint, region_name="us-east-1",
            aws_access_key_id="user", aws_secret_access_key="never-to-be-told",
        )  # fmt: skip
        self.client.create_bucket(Bucket="models")

    def put(self, prefix: str, files: Mapping[str, bytes]) -> None:
        for name, content in files.items():
            self.client.put_object(Bucket="models", Key=f"{prefix}/{name}", Body=content)

    def environ(self, folder: Path, **more: str) -> dict[str, str]:
        log = str(folder / "termination-log")
        return {"AWS_ENDPOINT_URL_S3": self.endpoint, "TANDEM_TERMINATION_LOG": log, **KEYS, **more}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(server: str) -> Iterator[Bucket]:
    storage = Bucket(server)
    storage.put(
        "llama/chat", {**builders.files(), "model.safetensors": WEIGHTS, "README.md": b"read"}
    )
    storage.put("llama/small", {**builders.files(), "model.safetensors": WEIGHTS})
    yield storage
    for each in storage.client.list_objects_v2(Bucket="models").get("Contents", []):
        storage.client.delete_object(Bucket="models", Key=each["Key"])
    storage.client.delete_bucket(Bucket="models")


def asked(target: str = TARGET, draft: str = DRAFT) -> LockRequest:
    return LockRequest("DraftModel", "SameVocabulary", SourceRequest(target), SourceRequest(draft))


def inspected(environ: dict[str, str], ask: LockRequest) -> PairReport | LockFailure:
    job.run({**environ, "TANDEM_LOCK_REQUEST": request.render(ask)})
    read = report.parse(Path(environ["TANDEM_TERMINATION_LOG"]).read_text())
    assert isinstance(read, PairReport | LockFailure)
    return read


def locked(pair_report: PairReport) -> PodLock:
    def side(side_report: Any) -> LockedSide:
        return LockedSide(side_report.uri, side_report.revision, side_report.files_digest)

    return pod_lock.hashed(PodLock("DraftModel", side(pair_report.target), side(pair_report.draft)))


class Pod:
    """An init container with its own model folders."""

    def __init__(self, folder: Path, environ: dict[str, str], lock: PodLock) -> None:
        for name in ("target", "draft", "plugin"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self.target = folder / "target"
        self.environ = {
            **environ,
            "TANDEM_LOCK": pod_lock.render(lock),
            "TANDEM_TERMINATION_LOG": str(folder / "fetch-log"),
        }
        models = {side: folder / side for side in ("target", "draft")}
        self.places = fetch.Places(models, folder / "digests.json", folder / "plugin")

    def fetch(self) -> LockFailure | None:
        if fetch.run(self.environ, self.places) == fetch.DONE:
            return None
        read = report.parse(Path(self.environ["TANDEM_TERMINATION_LOG"]).read_text())
        assert isinstance(read, LockFailure)
        return read


def test_a_pair_in_a_bucket_is_judged_by_headers_alone(bucket: Bucket, tmp_path: Path) -> None:
    pair_report = inspected(bucket.environ(tmp_path), asked())

    assert isinstance(pair_report, PairReport)
    assert pair_report.verdict == "Compatible"
    assert pair_report.target.parameters == 2_000_000
    assert pair_report.target.revision is not None
    assert pair_report.target.revision.startswith("sha256:")
    assert not pair_report.target.immutable


def test_weights_are_never_downloaded_by_the_inspection(bucket: Bucket, tmp_path: Path) -> None:
    into = tmp_path / "into"
    into.mkdir()
    s3.fetch(SourceRequest(TARGET), "target", into, bucket.environ(tmp_path))

    weights = into / "model.safetensors"
    assert weights.stat().st_size == len(WEIGHTS)
    assert weights.stat().st_blocks * 512 < len(WEIGHTS) // 4, "a sparse file with a header"


def test_the_pod_gets_every_file_that_is_served(bucket: Bucket, tmp_path: Path) -> None:
    environ = bucket.environ(tmp_path)
    pair_report = inspected(environ, asked())
    assert isinstance(pair_report, PairReport)
    bucket.put("llama/chat", {"README.md": b"another text for people"})
    pod = Pod(tmp_path / "pod", environ, locked(pair_report))

    assert pod.fetch() is None
    assert (pod.target / "model.safetensors").read_bytes() == WEIGHTS
    assert not (pod.target / "README.md").exists()
    assert [each for each in pod.target.iterdir() if each.name.endswith(".part")] == []


def test_a_complete_folder_needs_no_store(bucket: Bucket, tmp_path: Path) -> None:
    environ = bucket.environ(tmp_path)
    pair_report = inspected(environ, asked())
    assert isinstance(pair_report, PairReport)
    pod = Pod(tmp_path / "pod", environ, locked(pair_report))
    assert pod.fetch() is None

    pod.environ["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:9"
    assert pod.fetch() is None


def test_what_a_killed_pod_left_is_continued(bucket: Bucket, tmp_path: Path) -> None:
    environ = bucket.environ(tmp_path)
    pair_report = inspected(environ, asked())
    assert isinstance(pair_report, PairReport)
    pod = Pod(tmp_path / "pod", environ, locked(pair_report))
    assert pod.fetch() is None
    (pod.target / ".tandem-complete.json").unlink()
    whole = pod.target / "model.safetensors"
    entry = s3_prefix.listing(s3_prefix.prefix_of(TARGET, "target", environ), TARGET)
    (weights,) = [each for each in entry if each.name == whole.name]
    whole.unlink()
    s3_models.part_of(whole, weights).write_bytes(WEIGHTS[:1_000_000])

    assert pod.fetch() is None
    assert whole.read_bytes() == WEIGHTS


@pytest.mark.parametrize(
    "change",
    [
        {"tokenizer.json": b"{}"},
        {"model.safetensors": builders.safetensors(w=("F16", [2_000_000], b"\x01" * 4_000_000))},
        {"model-00002-of-00002.safetensors": WEIGHTS},
    ],
    ids=["tokenizer", "weights", "another file"],
)
def test_objects_that_changed_after_the_lock_are_not_served(
    bucket: Bucket, tmp_path: Path, change: dict[str, bytes]
) -> None:
    environ = bucket.environ(tmp_path)
    pair_report = inspected(environ, asked())
    assert isinstance(pair_report, PairReport)
    bucket.put("llama/small", change)

    failure = Pod(tmp_path / "pod", environ, locked(pair_report)).fetch()

    assert failure is not None
    assert (failure.reason, failure.side) == ("ContentChanged", "draft")
    assert "tandem.dev/refresh" in failure.message


def test_an_object_that_changes_while_it_is_read_is_told(bucket: Bucket, tmp_path: Path) -> None:
    prefix = s3_prefix.prefix_of(TARGET, "target", bucket.environ(tmp_path))
    (entry,) = [e for e in s3_prefix.listing(prefix, TARGET) if e.name == "config.json"]
    bucket.put("llama/chat", {"config.json": b'{"other": 1}'})

    with pytest.raises(CannotInspectError) as raised, s3_refusals.translate_errors(TARGET, POD):
        prefix.read(entry, 0, entry.size_bytes)
    assert raised.value.reason == "ContentChanged"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [("s3://models/llama/none", "check the path"), ("s3://nobody/x", "NoSuchBucket")],
)
def test_what_does_not_exist_is_told(
    bucket: Bucket, tmp_path: Path, uri: str, expected: str
) -> None:
    failure = inspected(bucket.environ(tmp_path), asked(target=uri))

    assert isinstance(failure, LockFailure)
    assert (failure.reason, failure.side) == ("ModelNotFound", "target")
    assert expected in failure.message


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"])
@pytest.mark.parametrize(
    ("access", "remedy"),
    [
        (Access(with_secret=True, in_a_pod=True), "renew the keys in the secret"),
        (Access(with_secret=False, in_a_pod=True), "secretName"),
        (Access(with_secret=True, in_a_pod=False), "renew the keys, "),
        (Access(with_secret=False, in_a_pod=False), "set AWS_ACCESS_KEY_ID and .* environment"),
    ],
)
def test_a_refusal_names_the_remedy(code: str, access: Access, remedy: str) -> None:
    with (
        pytest.raises(CannotInspectError, match=remedy) as raised,
        s3_refusals.translate_errors(TARGET, access),
    ):
        raise ClientError({"Error": {"Code": code}}, "ListObjectsV2")
    assert raised.value.reason == "AccessDenied"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ClientError({"Error": {"Code": "PermanentRedirect"}}, "GetObject"), "AWS_REGION"),
        (ClientError({"Error": {"Code": "SlowDown"}}, "GetObject"), "answered SlowDown"),
        (EndpointConnectionError(endpoint_url="http://s3/x?Signature=abc"), "cannot be reached"),
    ],
)
def test_passing_troubles_are_for_another_try(error: Exception, message: str) -> None:
    with (
        pytest.raises(CannotInspectError, match=message) as raised,
        s3_refusals.translate_errors(TARGET, POD),
    ):
        raise error
    assert raised.value.reason == "LockFailed"
    assert "Signature" not in str(raised.value)


def test_a_side_uses_its_own_secret_and_no_other_sides(bucket: Bucket, tmp_path: Path) -> None:
    environ = bucket.environ(tmp_path)
    own = {f"DRAFT_{key}": f"draft-{value}" for key, value in KEYS.items()}
    target = s3_prefix.prefix_of(TARGET, "target", {**environ, **own}).client
    draft = s3_prefix.prefix_of(DRAFT, "draft", {**environ, **own}).client

    def key_of(client: Any) -> str:
        return str(client._request_signer._credentials.access_key)

    assert key_of(target) == "user"
    assert key_of(draft) == "draft-user"


def test_no_key_is_ever_told(
    bucket: Bucket, tmp_path: Path, capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.INFO)
    environ = bucket.environ(tmp_path)
    inspected(environ, asked())
    inspected(environ, asked(target="s3://nobody/x"))
    out, error = capfd.readouterr()
    output = out + error + caplog.text + Path(environ["TANDEM_TERMINATION_LOG"]).read_text()
    assert "never-to-be-told" not in output


def test_a_name_that_would_leave_the_folder_is_refused(bucket: Bucket, tmp_path: Path) -> None:
    bucket.client.put_object(Bucket="models", Key="llama/chat/../../evil.json", Body=b"{}")
    failure = inspected(bucket.environ(tmp_path), asked())
    assert isinstance(failure, LockFailure)
    assert "no file name" in failure.message
