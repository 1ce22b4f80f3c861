"""How the sandbox counts tokens: one rule for every model, so that counts agree wherever they are reported.

A token is a run of at most four word characters with the space before it, one other character with the space before
it, or one white-space character. The pieces of a text, joined, are the text.
"""

import re

_PIECE = re.compile(r" ?\w{1,4}| ?[^\w\s]|\s")


def pieces(text: str) -> list[str]:
    """Split a text into its tokens; joined again they are the text."""
    return _PIECE.findall(text)


def count(text: str) -> int:
    """How many tokens a text has."""
    return len(pieces(text))
