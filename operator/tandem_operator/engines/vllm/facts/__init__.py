"""What vLLM has, in its own words, as of the version that each file names: keys, methods, classes."""
