"""Answers that stand in a context: the context cut into tokens, and answers found in it and read off records."""
