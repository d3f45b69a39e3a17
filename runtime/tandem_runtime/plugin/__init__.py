"""Live K inside an engine, whatever the engine: the table's interpreter, counters and report.

An engine's own adapter (`tandem_runtime.vllm`, ...) tells this package how many requests decode and
what its steps did; nothing here imports an engine. Standard library only, but for `collector`,
which needs `prometheus_client` as the engines have it.
"""
