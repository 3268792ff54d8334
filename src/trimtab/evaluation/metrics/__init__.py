"""Metrics of texts, a file each. Knows nothing about models."""
