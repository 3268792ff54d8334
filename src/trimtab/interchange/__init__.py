"""Runs in other programs' formats. Knows nothing about training, reports or the command line."""
