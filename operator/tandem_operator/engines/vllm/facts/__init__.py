"""What vLLM has, in its own words: keys, methods, classes, each as of the version that it names."""
