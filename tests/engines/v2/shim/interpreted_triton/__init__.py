"""A Triton backend that compiles nothing, so that Triton's interpreter runs vLLM's kernels.

vLLM's CPU build has the whole of Model Runner V2 and turns it on where Triton lists a backend named
`cpu`. With TRITON_INTERPRET=1 no kernel reaches a compiler, so a backend need not be able to do
anything. Put on PYTHONPATH by `tests.engines.v2.engine.shim`; the engine's environment stays as it
is.
"""
