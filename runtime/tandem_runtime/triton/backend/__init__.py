"""What runs inside Triton's Python backend: the model, its requests and answers, its page."""
