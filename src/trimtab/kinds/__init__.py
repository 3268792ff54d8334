"""The kinds of answer, a file each, with all that differs between them: labels, numbers, spans, texts and others."""
