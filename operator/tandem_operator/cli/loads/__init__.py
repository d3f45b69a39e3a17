"""Loads for the simulator as people have them: logs, published traces, a Prometheus."""
