"""One file a format of tokenizer: each turns untrusted bytes into a `Tokenizer` or refuses."""
