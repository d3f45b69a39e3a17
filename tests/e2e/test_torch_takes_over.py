"""Another engine for the pair that serves, under load: an atomic rollout, and no request fails.

It comes after the tests of the pair on vLLM, for it leaves the pair on the torch engine.
"""

from __future__ import annotations

import pytest

from tests.e2e.serving import Object, Serving, load

pytestmark = [pytest.mark.node, pytest.mark.engine, pytest.mark.timeout(900)]


def test_no_request_fails_while_the_engine_becomes_another(serving: Serving) -> None:
    serving.patch({"replicas": 2})
    serving.wait("the pair serves", lambda: len(serving.engines()) == 2, 300)
    before = {engine.pod for engine in serving.engines()}

    def taken_over() -> bool:
        pods = serving.kubectl.engine_pods(serving.name)
        images = {_image(pod) for pod in pods}
        ready = {engine.pod for engine in serving.engines()}
        return images == {serving.images.torch} and len(ready) == len(pods) and not ready & before

    with load(serving, 4) as requests:
        serving.wait("requests end", lambda: len(requests) > 4)
        serving.patch(
            {
                "engine": {
                    "type": "Torch",
                    "image": serving.images.torch,
                    "args": ["--max-model-len=512", "--max-num-seqs=32", "--kv-cache-mib=128"],
                    "env": None,
                }
            }
        )
        seconds = serving.wait("all pods run the torch engine", taken_over, 500)
        after = len(requests)
        serving.wait("the torch engine answers", lambda: len(requests) > after + 4)

    failed = [request for request in requests if request.error]
    print(f"{len(requests)} requests, {len(failed)} failed; taken over after {seconds:.0f} s")
    assert failed == []
    assert serving.complete("def main():")


def _image(pod: Object) -> str:
    (main,) = [each for each in pod["spec"]["containers"] if each["name"] == "main"]
    return str(main["image"])
