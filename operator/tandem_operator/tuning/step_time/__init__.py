"""How long a step takes, and whether the engine became another."""
