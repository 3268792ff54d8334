"""What stands between a model and its first use: families known not to be served, and each other one compared."""
