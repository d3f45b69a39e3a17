"""What of a spec or a pair TensorRT-LLM cannot do; each rule says what to do instead."""
