"""Examples to token ids: template, verbalizer, batch. Knows nothing about models."""
