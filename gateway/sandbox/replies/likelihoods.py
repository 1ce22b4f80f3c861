"""How likely each token was: made up, always the same for the same token. Pure; knows no dialect."""

from collections.abc import Iterable
from zlib import crc32


def logprob(token: str) -> float:
    """A natural-log probability between -1 and 0."""
    return -(crc32(token.encode()) % 1000) / 1000


def likeliest(token: str, most: int) -> dict[str, float]:
    """The token and others that were less likely at its place, the likeliest first."""
    others = (f"{token}{mark}" for mark in "~^*+=")
    return {other: round(logprob(token) - rank, 3) for rank, other in zip(range(most), [token, *others], strict=False)}


def of_chat(tokens: Iterable[str], most: int) -> dict[str, object]:
    """As OpenAI's chat tells them: token by token, each with its bytes."""

    def entry(token: str, value: float) -> dict[str, object]:
        return {"token": token, "logprob": value, "bytes": list(token.encode())}

    return {
        "content": [
            entry(token, logprob(token)) | {"top_logprobs": [entry(*pair) for pair in likeliest(token, most).items()]}
            for token in tokens
        ]
    }


def of_completion(tokens: Iterable[str], most: int, *, start: int = 0) -> dict[str, object]:
    """As OpenAI's completions tell them: lists side by side.

    Args:
        start: How many characters of the answer came before.
    """
    listed = list(tokens)
    offsets = [start + len("".join(listed[:place])) for place in range(len(listed))]
    return {
        "text_offset": offsets,
        "token_logprobs": [logprob(token) for token in listed],
        "tokens": listed,
        "top_logprobs": [likeliest(token, most) for token in listed] if most else None,
    }
