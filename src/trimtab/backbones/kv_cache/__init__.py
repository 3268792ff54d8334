"""KV caches of rows and answers that are decoded token by token. Knows nothing about tasks."""
