"""How each family's native body reads and writes. The only list of the sandbox's dialects; knows no HTTP.

A dialect is three functions. ``read`` takes a body strictly; ``whole`` writes one reply; ``chunks`` writes the same
reply as the JSON objects of a stream, each with the number of tokens that it brings.
"""
