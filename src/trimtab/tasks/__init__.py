"""A task on its way to training: its rows read and checked, what it leaves open picked. Knows no loop and no folder."""
