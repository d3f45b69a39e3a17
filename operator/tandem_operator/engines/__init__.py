"""What each serving engine can do and how it is started: one file an engine.

Pure. `registry.driver(spec.engine.type)` is the way in; a driver judges a spec and renders the
engine's own container. Planning asks; nobody else needs to know one engine from another.
"""
