"""Scores of parts of the rows, and which of them are really worse. Knows nothing about runs or reports."""
