"""A pair by itself, for tools that have a report of the lock and no resource: `pair.judgement`."""
