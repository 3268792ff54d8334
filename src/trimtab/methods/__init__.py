"""Ways to condition a frozen backbone, one file each. Knows nothing about data, training or runs."""
