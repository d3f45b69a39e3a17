"""What the API server answers to a resource, found without one.

The schema and the CEL rules are those of the CRD itself, with their own text; the metadata that
every object has is described in `metadata.py`. Used by `tandem plan`.
"""
