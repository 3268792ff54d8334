"""Whether differences are more than chance. Knows nothing about what differs."""
