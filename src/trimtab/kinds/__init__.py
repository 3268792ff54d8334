"""The kinds of answer, a file each: all that differs between labels, sets of them, choices, numbers, tags and texts."""
