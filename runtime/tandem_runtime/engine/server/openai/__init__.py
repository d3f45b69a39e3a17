"""OpenAI's interfaces: the bodies, what becomes of them, and the form of answers and refusals."""
