"""Letting running requests end before an engine is told to stop."""

from typing import Any

ENDPOINT_DELAY_S = 5
"""Time for Services and gateways to notice that the pod is leaving."""

GRACE_S = 600
"""Longest a pod takes to leave; a request that runs longer is cut."""

SCRIPT = """\
import sys, time, urllib.request
url, delay_s, limit_s = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
names = tuple(sys.argv[4:])
end = time.monotonic() + limit_s
time.sleep(delay_s)
while time.monotonic() < end:
    try:
        with urllib.request.urlopen(url, timeout=5) as page:
            lines = page.read().decode().splitlines()
    except OSError:
        break
    held = [float(line.split()[-1]) for line in lines if line.startswith(names)]
    if not sum(held):
        break
    time.sleep(1)
"""
"""Runs inside the engine's container, with nothing but Python's own library: waits until the
gauges named by its arguments are all zero, the engine is gone, or the limit is reached."""


def pre_stop(port: int, gauges: tuple[str, ...], path: str = "/metrics") -> dict[str, Any]:
    """The lifecycle hook; `gauges` are full names, on the page at that port, of the running and
    waiting requests."""
    limit_s = GRACE_S - 30
    return {
        "exec": {
            "command": [
                "python3",
                "-c",
                SCRIPT,
                f"http://127.0.0.1:{port}{path}",
                str(ENDPOINT_DELAY_S),
                str(limit_s),
                *gauges,
            ]
        }
    }
