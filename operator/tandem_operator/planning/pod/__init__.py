"""The engine's pod: rendered once for a locked input, merged with spec.template."""
