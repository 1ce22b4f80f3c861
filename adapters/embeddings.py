"""Texts in, vectors out: the words in which every embedding is said. Knows no family and no wire."""

from collections.abc import Sequence

from msgspec import Struct

from adapters.deltas import Usage
from adapters.errors import MalformedReply

Vector = list[float]

NAMES = ("dimensions", "input_type", "truncate", "normalize")
"""Every parameter there is, as callers spell it; ``dimensions`` is OpenAI's, the others are what the models have beside it."""


class EmbeddingRequest(Struct, frozen=True):
    """Texts to embed, each for itself.

    Attributes:
        texts: In the caller's order; none is empty.
        dimensions: How many numbers each vector shall have.
        input_type: What the vectors are for, in Cohere's words: ``search_document``, ``search_query``, …
        truncate: Which end of a text that is too long may be left out; in Cohere's words.
        normalize: Whether vectors shall have length 1.
        advisory: What else the caller said that changes no vector: to be named as ignored.
    """

    texts: tuple[str, ...]
    dimensions: int | None = None
    input_type: str | None = None
    truncate: str | None = None
    normalize: bool | None = None
    advisory: tuple[str, ...] = ()


class EmbeddingReply(Struct, frozen=True):
    """One vector for each text, in their order; ``usage`` as far as the reply told it."""

    vectors: list[Vector]
    usage: Usage | None = None


def reply(vectors: Sequence[Vector], request: EmbeddingRequest, tokens: float | None = None) -> EmbeddingReply:
    """A reply that holds what was asked for: one vector for each text, all of them as long as they should be.

    Args:
        tokens: Of the texts, as the reply counted them.

    Raises:
        MalformedReply: It does not.
    """
    if len(vectors) != len(request.texts):
        raise MalformedReply(f"{len(vectors)} vectors for {len(request.texts)} texts")
    lengths = {len(vector) for vector in vectors}
    if len(lengths) != 1 or 0 in lengths or (request.dimensions is not None and request.dimensions not in lengths):
        raise MalformedReply(f"vectors of {sorted(lengths)} dimensions, where {request.dimensions or 'one number'} was asked for")
    return EmbeddingReply(list(vectors), None if tokens is None else Usage(int(tokens), 0))
