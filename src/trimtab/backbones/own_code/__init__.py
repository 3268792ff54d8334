"""Models whose layers share no keys and values: run by their own code over padded rows, each with its prompt."""
