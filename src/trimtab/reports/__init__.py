"""Runs and comparisons told: as data, in sentences, as pages. Knows nothing about how figures came about."""
