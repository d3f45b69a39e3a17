"""What a run came to: accounts, latency, tables, plots."""
