"""The tokenizer lock: what a repository's tokenizer means, and whether a pair agrees.

Reads files and never runs them. Entry points: `job.main` (lock Job), `fetch.main` (init container)
and `evaluate.evaluate` (`tandem verify-pair`). Fingerprints are specified in docs/tokfp.md.
"""
