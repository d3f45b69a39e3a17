"""`tandem-lock`, the container of the lock Job: reads a request, leaves a report.

Exit status: 0 with a report whatever its verdict; 3 where the source does not exist or denies
access, which a retry cannot change; 1 for anything else that kept it from inspecting.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tandem_runtime.contract import environment, paths, report, request
from tandem_runtime.contract.fields import ContractError
from tandem_runtime.contract.report import LockFailure, PairReport
from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock import pair
from tandem_runtime.lock.pair import SideError

TERMINATION_LOG_VARIABLE = environment.TERMINATION_LOG
DONE, FAILED, NOT_RETRIED = 0, 1, 3


def main() -> int:
    """Run the Job from the process' environment; returns its exit status."""
    return run(os.environ)


def run(environ: Mapping[str, str]) -> int:
    """Answer the request in `environ`; the message goes to the termination log, all to stdout."""
    outcome = answer(environ)
    print(json.dumps(report.to_document(outcome), indent=1), flush=True)
    path = Path(environ.get(environment.TERMINATION_LOG) or paths.TERMINATION_LOG)
    path.write_text(report.render(outcome), encoding="ascii")
    if isinstance(outcome, PairReport):
        return DONE
    denied = outcome.reason in (lock_errors.MODEL_NOT_FOUND, lock_errors.ACCESS_DENIED)
    return NOT_RETRIED if denied else FAILED


def answer(environ: Mapping[str, str]) -> PairReport | LockFailure:
    """The report, or why there is none."""
    text = environ.get(environment.LOCK_REQUEST)
    if not text:
        return LockFailure(lock_errors.LOCK_FAILED, None, f"{environment.LOCK_REQUEST} is not set")
    try:
        return pair.report(request.parse(text), environ)
    except ContractError as error:
        return LockFailure(lock_errors.LOCK_FAILED, None, f"{environment.LOCK_REQUEST}: {error}")
    except SideError as error:
        return LockFailure(error.cause.reason, error.side, str(error))


if __name__ == "__main__":
    sys.exit(main())
