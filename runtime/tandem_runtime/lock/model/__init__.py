"""What configuration and headers say of a model."""
