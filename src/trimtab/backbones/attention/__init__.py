"""Attention of rows over prompts that stand once, and over themselves. Knows nothing about tasks."""
