"""Training prepared, carried out in a run folder, and kept as a run. Knows nothing about what a verb prints."""
