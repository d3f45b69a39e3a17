"""What arrives at the simulated engine: a trace, a made-up one, or closed loops of clients."""
