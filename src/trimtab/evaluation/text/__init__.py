"""Texts cut into words and tokens. Knows nothing about metrics."""
