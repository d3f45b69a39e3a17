"""The torch engine behind OpenAI's HTTP interface; `python -m tandem_runtime.engine.server`."""
