"""Reading a repository's files without trusting them."""
