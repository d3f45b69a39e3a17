"""The tuning loop: one tuner a resource, its settings, its state, its log."""
