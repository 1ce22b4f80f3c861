"""Titan and Cohere embeddings. Source: AWS "Titan Embeddings G1 - Text" and "Cohere Embed" parameters pages.

A vector is a bag of hashed words, so that texts with words in common are near each other, and the same text is the same
vector for ever.
"""

import hashlib
import math

from gateway.sandbox.conversation import Answer, Ask, Turn
from gateway.sandbox.dialects.dialect import Chunk, Dialect, Json, Origin, require
from gateway.sandbox.replies.words import keywords
from gateway.sandbox.schema import Schema, closed, strings

_COHERE_DIMENSIONS = 1024

_TITAN: Schema = closed(
    {
        "inputText": {"type": "string", "minLength": 1},
        "dimensions": {"type": "integer", "enum": [256, 512, 1024]},
        "normalize": {"type": "boolean"},
        "embeddingTypes": {"type": "array", "items": {"type": "string", "enum": ["float", "binary"]}, "minItems": 1},
    },
    "inputText",
)
_COHERE: Schema = closed(
    {
        "texts": {"type": "array", "items": {"type": "string", "maxLength": 2048}, "minItems": 1, "maxItems": 96},
        "input_type": {"type": "string", "enum": ["search_document", "search_query", "classification", "clustering", "image"]},
        "truncate": {"type": "string", "enum": ["NONE", "START", "END"]},
        "embedding_types": strings(5),
    },
    "input_type",
)


def vector(text: str, dimensions: int) -> list[float]:
    """A unit vector of a text: one signed entry per word, its place and sign taken from the word's hash."""
    values = [0.0] * dimensions
    for word in keywords(text) or [text]:
        digest = hashlib.sha256(word.encode()).digest()
        values[int.from_bytes(digest[:4], "big") % dimensions] += 1.0 if digest[4] % 2 else -1.0
    length = math.sqrt(sum(value * value for value in values)) or 1.0
    return [value / length for value in values]


def _read_titan(body: Json, _origin: Origin) -> Ask:
    require(body, _TITAN)
    return Ask((Turn("user", body["inputText"]),), body["inputText"], 0, body=body)


def _whole_titan(answer: Answer, ask: Ask, _origin: Origin) -> Json:
    floats = vector(ask.prompt, ask.body.get("dimensions", 1024))
    kinds = ask.body.get("embeddingTypes", ["float"])
    forms = {"float": floats, "binary": [int(value > 0) for value in floats]}
    by_type = {kind: forms[kind] for kind in kinds}
    plain = {"embedding": floats} if "float" in kinds else {}
    return plain | {"embeddingsByType": by_type, "inputTextTokenCount": answer.input_tokens}


def _read_cohere(body: Json, _origin: Origin) -> Ask:
    require(body, _COHERE | {"required": ("input_type", "texts")})
    turns = tuple(Turn("user", text) for text in body["texts"])
    return Ask(turns, "\n".join(body["texts"]), 0, body=body)


def _whole_cohere(_answer: Answer, ask: Ask, origin: Origin) -> Json:
    floats = [vector(turn.text, _COHERE_DIMENSIONS) for turn in ask.turns]
    kinds = ask.body.get("embedding_types")
    envelope = {"id": origin.seed[:32], "texts": [turn.text for turn in ask.turns]}
    if kinds is None:
        return envelope | {"response_type": "embeddings_floats", "embeddings": floats}
    forms = {
        "float": floats,
        "int8": [[round(value * 127) for value in row] for row in floats],
        "binary": [[int(value > 0) for value in row] for row in floats],
    }
    by_type = {kind: forms[kind] for kind in kinds if kind in forms}
    return envelope | {"response_type": "embeddings_by_type", "embeddings": by_type}


def _never(_answer: Answer, _ask: Ask, _origin: Origin) -> list[Chunk]:
    """An embedding is never streamed; the runtime refuses before it comes to this."""
    return []


TITAN = Dialect(_read_titan, "", _whole_titan, _never)
COHERE = Dialect(_read_cohere, "", _whole_cohere, _never)
