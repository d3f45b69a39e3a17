"""The children, one file a kind, and where they stand in the way of others."""
