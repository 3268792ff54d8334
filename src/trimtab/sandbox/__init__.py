"""Programs that nobody has read, run where they can do no harm: see `box.run_program`. Knows nothing about models.

Names are imported from their modules, as the supervisor starts once a program and loads no more than it needs.
"""
