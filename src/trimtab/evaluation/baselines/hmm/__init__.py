"""Hidden Markov models: the equations, and a tagger."""
