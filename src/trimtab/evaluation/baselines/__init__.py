"""Ways to answer without a language model. Knows nothing about prompts."""
