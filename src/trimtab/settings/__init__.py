"""Every setting, declared once, and the task file that holds them. Knows nothing about how a setting is carried out."""
