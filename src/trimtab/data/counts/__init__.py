"""What the data report says of the answers of a split, a file for each sort. Knows nothing about input fields."""
