"""OpenAI's API as its clients ask it. Knows nothing about keys, limits of a server or sockets."""
