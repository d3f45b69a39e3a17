"""The simulated engine and its load: the truth that the tuner does not see."""
