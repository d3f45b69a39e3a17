"""Measures a real engine and fits its profile (`docs/profile.schema.json`).

`tandem bench` calls it. The plan, the fit and the report are pure; `endpoint`, `load`, `measure`
and `state` do the I/O.
"""
