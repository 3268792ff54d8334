"""The command line: the verbs, their options, and all that is printed. Knows nothing about how a job is done."""
