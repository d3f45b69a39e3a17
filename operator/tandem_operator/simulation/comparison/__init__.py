"""The simulator beside a real run."""
