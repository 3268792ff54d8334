"""The scores of a run's answers, by what the answers are. Knows nothing about models."""
