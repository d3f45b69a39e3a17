"""What stands before an engine that has no plugin of ours: the digests are checked, then it starts.

`python3 -m tandem_runtime.start -- WORDS` becomes the process of WORDS. An init container does not
run again when the engine's container restarts; this does.
"""
