"""The kinds of object that run a resource's pods, one file a kind.

Pure, and on plain objects: planning hands in what stands, and gets bodies and counts.
"""
