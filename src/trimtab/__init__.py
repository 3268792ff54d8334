"""Adapt one frozen language model to many tasks with tiny tuned prompts: the public Python API."""
