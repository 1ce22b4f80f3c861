"""Vectors into OpenAI's reply: as numbers, or in base64. Knows no model."""

import base64
import sys
from array import array
from collections.abc import Sequence

import msgspec

from adapters.embeddings import EmbeddingReply, Vector
from gateway.call import Call
from gateway.surface.openai.wire.embeddings import Embedding, EmbeddingList, EmbeddingUsage


def whole(call: Call, choices: Sequence[Sequence[EmbeddingReply]], _created: int) -> bytes:
    """The body of the reply. OpenAI's says no time."""
    (reply,) = choices[0]
    tokens = reply.usage.input_tokens if reply.usage is not None else 0
    packed = call.notes == "base64"
    data = [Embedding(place, base64_of(vector) if packed else vector) for place, vector in enumerate(reply.vectors)]
    return msgspec.json.encode(EmbeddingList(data, call.alias, EmbeddingUsage(tokens, tokens)))


def base64_of(vector: Vector) -> str:
    """Little-endian 32-bit floats, one after the other, in base64: what OpenAI's clients unpack.

    A number beyond what 32 bits hold, which no model sends, becomes infinity.
    """
    numbers = array("f", vector)
    if sys.byteorder == "big":
        numbers.byteswap()
    return base64.b64encode(numbers).decode()
