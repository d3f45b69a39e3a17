"""K of the next step: lookup, hysteresis, exploration, and what a request asks for."""
