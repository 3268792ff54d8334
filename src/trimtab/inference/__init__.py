"""One backbone in memory answering for many runs."""
