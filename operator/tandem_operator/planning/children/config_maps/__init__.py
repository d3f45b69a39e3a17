"""ConfigMaps that pods and the operator read: options, the speculation table, the tuner's state."""
