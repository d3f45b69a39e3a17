"""How vLLM finds the other pods of its replica: one process group over all of them, without Ray.

The kubelet puts the LeaderWorkerSet's variables in for `$(NAME)`.
"""

from collections.abc import Iterable, Iterator

from tandem_operator.engines.interface.launch import Launch
from tandem_operator.engines.vllm.rules import nodes

LEADER_ADDRESS = "$(LWS_LEADER_ADDRESS)"
WORKER_INDEX = "$(LWS_WORKER_INDEX)"
API_SERVERS, SHORTEST, SHORT = "--api-server-count", "--api-s", "-asc"


def of_leader(launch: Launch) -> list[str]:
    """The leader's words: it is the first node. None where the replica is one pod."""
    return _of(launch, "0") if nodes.of(launch.spec) > 1 else []


def of_worker(launch: Launch) -> list[str]:
    """A worker's words: its place, and that it serves no API."""
    return [*_of(launch, WORKER_INDEX), "--headless"]


def without_servers(arguments: Iterable[str]) -> Iterator[str]:
    """The user's own arguments but for the number of API servers: a pod without them takes none."""
    skipped = False
    for argument in arguments:
        name, separator, _ = argument.partition("=")
        if skipped:
            skipped = False
        elif _counts_servers(name.replace("_", "-")):
            skipped = not separator
        else:
            yield argument


def _counts_servers(option: str) -> bool:
    beginning = option.startswith(SHORTEST) and API_SERVERS.startswith(option)
    return beginning or option == SHORT


def _of(launch: Launch, rank: str) -> list[str]:
    return [
        f"--nnodes={nodes.of(launch.spec)}",
        f"--node-rank={rank}",
        f"--master-addr={LEADER_ADDRESS}",
        f"--distributed-executor-backend={nodes.OWN_EXECUTOR}",
    ]
