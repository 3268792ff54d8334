"""Recurrent language models, each in a file beside its equations, and the backbone that they are read as."""
