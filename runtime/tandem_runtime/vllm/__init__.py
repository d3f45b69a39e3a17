"""What runs inside vLLM's processes: the adapter between its scheduler and `tandem_runtime.plugin`.

`install.register` is the entry point; nothing else in the product imports this package, except
`tandem-fetch`, which calls `copy_to`. It needs nothing that vLLM lacks.
"""
