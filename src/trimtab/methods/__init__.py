"""What is trained, one file a method. Knows nothing about tasks or data."""
