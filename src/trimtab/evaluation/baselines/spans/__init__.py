"""Ways without a language model to answer a question with words of its context."""
