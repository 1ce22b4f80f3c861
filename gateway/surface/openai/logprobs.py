"""Log probabilities out of deltas, into the list that chat and responses share. Knows no stream and no endpoint."""

from collections.abc import Iterable, Sequence
from itertools import chain

from adapters.deltas import Delta, Logprobs, Text, TokenLogprob
from gateway.surface.openai import wire

NEXT_TO_IMPOSSIBLE = -9999.0
"""OpenAI's figure for a token with no probability to speak of; JSON has no minus infinity."""


def gathered(deltas: Sequence[Delta]) -> tuple[tuple[TokenLogprob, ...], str, list[Delta]]:
    """The log probabilities of a batch, the text that they are of, and every other delta.

    OpenAI's chunk holds both, and callers read them side by side. Families send them next to each other, in either order. A
    batch without any keeps its texts among the other deltas.
    """
    tokens = tuple(chain.from_iterable(delta.tokens for delta in deltas if isinstance(delta, Logprobs)))
    if not tokens:
        return (), "", list(deltas)
    text = "".join(delta.text for delta in deltas if isinstance(delta, Text))
    return tokens, text, [delta for delta in deltas if not isinstance(delta, Text | Logprobs)]


def listed(tokens: Iterable[TokenLogprob]) -> list[wire.TokenLogprob]:
    """As chat and responses show them."""
    return [
        wire.TokenLogprob(
            token.token,
            shown(token.logprob),
            list(token.token.encode()),
            [wire.TopLogprob(other, shown(logprob), list(other.encode())) for other, logprob in token.top],
        )
        for token in tokens
    ]


def shown(logprob: float) -> float:
    """A natural-log probability that JSON can say."""
    return max(logprob, NEXT_TO_IMPOSSIBLE)
