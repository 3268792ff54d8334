"""Word vectors: trained on a text, read from files, and what lies near what. Knows no language models."""
