"""Files to examples: records, splits, cleaning, checks. Knows nothing about tokens or models."""
