"""The layers of a causal model, over packed tokens. Knows nothing about tasks."""
