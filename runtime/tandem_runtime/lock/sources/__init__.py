"""Bringing a side's files to where the lock can read them: one file a kind of source."""
