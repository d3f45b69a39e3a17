"""What a driver is, what it takes (spec, launch, installation) and what it answers."""
