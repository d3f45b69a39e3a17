"""The two binary containers of tokenizers, read without believing a length: protobuf and GGUF."""
