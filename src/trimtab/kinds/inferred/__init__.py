"""A task told from rows: which column is the answer, of what kind it is, and what is read."""
