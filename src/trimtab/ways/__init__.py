"""Ways to do a task, and each of them measured. Knows nothing about how they are compared or shown."""
