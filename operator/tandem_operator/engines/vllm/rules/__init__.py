"""What vLLM refuses, rule by rule, and what is said of it at admission."""
