"""From hidden states to scores of words and to tokens said. Knows nothing about tasks or runs."""
