"""The service. Each folder is a room; imports go down the floors of pyproject.toml, and ``completion`` is the way through."""
