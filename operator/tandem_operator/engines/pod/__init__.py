"""What drivers build an engine's container from: probes, environment, flags, drain."""
