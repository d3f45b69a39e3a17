"""From two sides to a verdict."""
