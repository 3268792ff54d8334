"""The kinds of answer, a file each: all that differs between labels, choices, numbers, tags, spans and texts."""
