"""Text itself: cleaned, looked at for damage, cut into tokens and joined again. Knows nothing about examples."""
