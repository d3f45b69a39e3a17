"""What the API server last said: watches that fill one store."""
