"""From a page of an engine's metrics to counters by meaning. Pure: who gets the page parses it."""
