"""The table in force: its file read, checked, and clipped to one engine."""
