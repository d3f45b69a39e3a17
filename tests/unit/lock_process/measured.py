"""The command and the Job's entry point as processes of their own, with what they took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tandem_runtime.contract import environment, request
from tandem_runtime.contract.request import LockRequest, SourceRequest
from tandem_runtime.lock.job import TERMINATION_LOG_VARIABLE

_RUN = """
import json, os, resource, sys, time
opened = set()
def seen(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        opened.add(os.path.abspath(os.fsdecode(arguments[0])))
sys.addaudithook(seen)
limit = int(sys.argv.pop(1))
if limit:
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
{body}
sys.stdout.flush()
status = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
took = [code, time.process_time(), int(status.split()[1]) << 10, sorted(opened)]
print("TOOK", json.dumps(took), file=sys.stderr)
sys.exit(code)
"""
COMMAND = "from tandem_operator.cli.main import main; code = main(sys.argv[1:])"
JOB = "from tandem_runtime.lock.job import main; code = main()"
LIBRARY = "from tokenizers import Tokenizer; Tokenizer.from_file(sys.argv[1]); code = 0"


@dataclass(frozen=True)
class Took:
    """One process: `cpu_s` of user and system, `peak_bytes` of resident memory, `opened` files."""

    status: int
    out: str
    err: str
    cpu_s: float
    peak_bytes: int
    opened: tuple[Path, ...]


def run(
    body: str,
    *arguments: str,
    address_bytes: int = 0,
    timeout_s: float = 60.0,
    environ: dict[str, str] | None = None,
) -> Took:
    """Run `body` with `arguments`; `address_bytes` limits its address space, 0 for no limit."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN.format(body=body), str(address_bytes), *arguments],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        env={**os.environ, **(environ or {})},
        check=False,
    )
    err, mark, took = done.stderr.rpartition("TOOK ")
    assert mark, f"ended with {done.returncode} on its way: {done.stderr[-2000:]}"
    code, cpu_s, peak_bytes, opened = json.loads(took)
    assert code == done.returncode
    paths = tuple(map(Path, opened))
    return Took(done.returncode, done.stdout, err, cpu_s, peak_bytes, paths)


def job(target: Path, draft: Path, log: Path, address_bytes: int = 0) -> Took:
    """`tandem-lock` on two mounted folders; the termination message goes to `log`."""
    sides = {
        name: SourceRequest(f"pvc://models/{path.name}", path=str(path))
        for name, path in (("target", target), ("draft", draft))
    }
    asked = LockRequest("DraftModel", "SameVocabulary", sides["target"], sides["draft"])
    environ = {environment.LOCK_REQUEST: request.render(asked), TERMINATION_LOG_VARIABLE: str(log)}
    return run(JOB, address_bytes=address_bytes, environ=environ)
