"""Runs answered for over HTTP: tasks, OpenAI's forms, keys, limits, figures, a page. Needs the extra `serve`.

Nothing below this room knows of HTTP.
"""
