"""What is read from vLLM's log: the lines are copied from a server's, the numbers are made up."""

import pytest

from hack.gpu.setup.start_log import figures_of, full_by_batch, full_share, steps_of

START = """\
(EngineCore pid=7) INFO 11-28 18:27:40 [model_runner.py:425] Model loading took 17.31 GiB memory \
and 4.201337 seconds
(EngineCore pid=7) INFO 11-28 18:27:48 [gpu_worker.py:760] Available KV cache memory: 51.2 GiB
(EngineCore pid=7) INFO 11-28 18:27:48 [kv_cache_utils.py:2328] GPU KV cache size: 419,424 tokens, \
Maximum concurrency for 4,096 tokens per request: 102.40x
(EngineCore pid=7) INFO 11-28 18:28:01 [model_runner.py:1128] Graph capturing finished in 12 secs, \
took 1.87 GiB
(EngineCore pid=7) INFO 11-28 18:28:02 [core.py:403] init engine (profile, create kv cache, warmup \
model) took 21.40 s
"""
STEPS = """\
(APIServer pid=5) INFO 11-28 18:27:52 [cuda_graph.py:123] | Unpadded Tokens | Padded Tokens | \
Num Paddings | Runtime Mode | Count |
(APIServer pid=5) INFO 11-28 18:27:52 [cuda_graph.py:123] |-----------------|---------------|\
--------------|--------------|-------|
(APIServer pid=5) INFO 11-28 18:27:52 [cuda_graph.py:123] | 8               | 8             | \
0            | FULL         | 30    |
(APIServer pid=5) INFO 11-28 18:27:52 [cuda_graph.py:123] | 12              | 16            | \
4            | PIECEWISE    | 10    |
(APIServer pid=5) INFO 11-28 18:27:53 [cuda_graph.py:123] | 8               | 8             | \
0            | FULL         | 5     |
(APIServer pid=5) INFO 11-28 18:27:53 [cuda_graph.py:123] | 91              | 96            | \
5            | NONE         | 1     |
"""


def test_a_starts_figures_are_those_of_the_log() -> None:
    assert figures_of(START) == {
        "capture_s": 12.0,
        "graphs_gib": 1.87,
        "models_gib": 17.31,
        "cache_gib": 51.2,
        "cache_tokens": 419424.0,
        "engine_start_s": 21.4,
    }


def test_what_the_log_does_not_say_has_no_figure() -> None:
    assert figures_of("INFO Application startup complete.") == {}
    assert full_share(steps_of("nothing")) is None


def test_rows_of_several_tables_are_added() -> None:
    assert steps_of(STEPS) == {(8, "FULL"): 35, (12, "PIECEWISE"): 10, (91, "NONE"): 1}
    assert full_share(steps_of(STEPS)) == pytest.approx(35 / 46)


def test_a_batch_is_known_by_its_tokens_at_one_k() -> None:
    steps = steps_of(STEPS)

    assert full_by_batch(steps, 3, range(1, 65)) == {2: 1.0, 3: 0.0}
    assert full_by_batch(steps, 0, range(1, 65)) == {8: 1.0, 12: 0.0}
    assert full_by_batch({(8, "FULL"): 9, (8, "NONE"): 1}, 0, range(8, 9)) == {8: 0.9}
