"""What the engine counts, and how it comes to /metrics."""
