"""Intervals, and the bootstrap they come from. Knows nothing about metrics."""
