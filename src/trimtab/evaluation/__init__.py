"""Metrics, baselines and reports. Knows nothing about models."""
