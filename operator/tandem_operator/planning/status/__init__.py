"""The status of a resource: speculation, candidate, conditions, events."""
