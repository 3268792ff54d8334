"""How far rows are from those that were trained on. Knows nothing about runs or reports."""
