"""N-gram language models: estimated, asked, and exchanged as ARPA files."""
