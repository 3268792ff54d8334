"""What ways to do a task are compared by. Knows nothing about the ways."""
