"""What the tuner is held to, case by case."""
