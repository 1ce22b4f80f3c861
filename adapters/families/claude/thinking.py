"""How much Claude may think, and what it cannot do meanwhile. Knows no native block.

Claude takes a budget in tokens, inside ``max_tokens``; OpenAI has words. A word is a share of ``max_tokens``, so that every
word leaves room for an answer whatever the ceiling:

| effort | minimal | low | medium | high | xhigh | max |
|---|---|---|---|---|---|---|
| share | 10 % | 20 % | 50 % | 80 % | 90 % | 95 % |

and never less than the 1,024 tokens that Claude demands. ``none`` is no thinking.
"""

from collections.abc import Mapping

from adapters.chat import ChatRequest
from adapters.errors import InvalidParameter

LEAST = 1024
SHARES: Mapping[str, float] = {"minimal": 0.1, "low": 0.2, "medium": 0.5, "high": 0.8, "xhigh": 0.9, "max": 0.95}


def budget(request: ChatRequest) -> int | None:
    """The tokens that thinking may take; ``None``: Claude is not told to think.

    Raises:
        InvalidParameter: The budget leaves no room for an answer, or a call is forced: Claude does not think then.
    """
    tokens = _tokens(request)
    if tokens is None:
        return None
    most, asked = request.sampling.max_tokens or 0, _asked(request)
    if most <= tokens:
        raise InvalidParameter(
            f"max_tokens {most} leaves no room for an answer: {asked} is {tokens} tokens of thinking, which count among them",
            parameter="max_tokens",
        )
    choice = request.tool_choice
    if choice is not None and choice.mode in {"required", "named"}:
        raise InvalidParameter(
            f"tool_choice does not go together with {asked}: Claude does not think when a call is forced", parameter="tool_choice"
        )
    return tokens


def _tokens(request: ChatRequest) -> int | None:
    sampling = request.sampling
    if sampling.reasoning_tokens is not None:
        return sampling.reasoning_tokens
    share = SHARES.get(sampling.reasoning_effort or "")
    return None if share is None else max(LEAST, int(share * (sampling.max_tokens or 0)))


def _asked(request: ChatRequest) -> str:
    sampling = request.sampling
    if sampling.reasoning_tokens is not None:
        return f"reasoning_tokens {sampling.reasoning_tokens}"
    return f'reasoning_effort "{sampling.reasoning_effort}"'
