"""What operator and runtime agree on about one engine each."""
