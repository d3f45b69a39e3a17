"""Environments of engines: made once for their content, outside the repository."""
