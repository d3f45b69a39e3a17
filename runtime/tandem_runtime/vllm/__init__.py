"""The plugin that runs inside vLLM's processes: live K, bypass, counters, the check of the files.

`install.register` is the entry point; nothing else in the product imports this package, except
`tandem-fetch`, which calls `copy_to`. It needs nothing that vLLM lacks.
"""
