"""One download at a time into a folder that several pods share.

The hub's client locks single files, and it looks whether one is there before it has the lock: the
second of two removes what the first has just brought and brings it again, under the eyes of a pod
that serves from it. So `tandem-fetch` holds the whole folder.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = ".tandem-lock"
_UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the folder; the kernel lets go of it when the process ends, however it ends.

    On a file system without locks it says so on stderr and goes on: content stays right, since
    each file is written aside and renamed, but two pods may bring it twice. Raises OSError where
    the folder cannot be written.
    """
    place = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            _take(place, folder)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            _say(f"{folder} knows no locks ({error.strerror}); it may be brought twice")
        yield
    finally:
        os.close(place)


def _take(place: int, folder: Path) -> None:
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _say(f"another pod brings {folder}; waiting for it")
        fcntl.flock(place, fcntl.LOCK_EX)


def _say(message: str) -> None:
    print(f"tandem-fetch: {message}", file=sys.stderr, flush=True)
