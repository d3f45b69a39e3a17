"""Engine metrics: pages of pods or Prometheus, into windows."""
