"""What trying another depth is worth, and when it is tried."""
