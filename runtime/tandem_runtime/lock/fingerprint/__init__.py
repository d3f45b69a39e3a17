"""The fingerprint of a tokenizer, and what it is made from."""
