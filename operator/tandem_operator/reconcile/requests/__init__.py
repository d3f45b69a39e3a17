"""What is asked of the API server, and what its answers mean."""
