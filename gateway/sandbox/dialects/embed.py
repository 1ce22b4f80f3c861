"""Titan and Cohere embeddings. Source: AWS's parameters pages of Titan Embeddings (Text, Multimodal) and Cohere Embed v3 and v4.

A vector is a bag of hashed words, so that texts with words in common are near each other, and the same text is the same
vector for ever. What is too long is refused in Titan's own words, and in Cohere's unless an end may be cut off.
"""

import hashlib
import math
from functools import partial
from typing import Any

from gateway.sandbox.conversation import Answer, Ask, Turn
from gateway.sandbox.dialects.dialect import Chunk, Dialect, Json, Origin, require
from gateway.sandbox.errors import invalid
from gateway.sandbox.replies.words import keywords
from gateway.sandbox.schema import Schema, closed, strings
from gateway.sandbox.tokens import count, pieces

_INPUT_TYPES = ["search_document", "search_query", "classification", "clustering"]
_COHERE_TEXTS: Schema = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 96}

# 50,000: public reports of ValidationException, "expected maxLength: 50000".
_TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": 50_000}
_TITAN_V2: Schema = closed(
    {
        "inputText": _TEXT,
        "dimensions": {"type": "integer", "enum": [256, 512, 1024]},
        "normalize": {"type": "boolean"},
        "embeddingTypes": {"type": "array", "items": {"type": "string", "enum": ["float", "binary"]}, "minItems": 1},
    },
    "inputText",
)
_TITAN_G1: Schema = closed({"inputText": _TEXT}, "inputText")
_TITAN_IMAGE: Schema = closed(
    {
        "inputText": {"type": "string", "minLength": 1},
        "inputImage": {"type": "string", "minLength": 1},
        "embeddingConfig": closed({"outputEmbeddingLength": {"type": "integer", "enum": [256, 384, 1024]}}),
    }
)
_COHERE_V3: Schema = closed(
    {
        "texts": _COHERE_TEXTS | {"items": {"type": "string", "maxLength": 2048}},
        "input_type": {"type": "string", "enum": [*_INPUT_TYPES, "image"]},
        "truncate": {"type": "string", "enum": ["NONE", "START", "END"]},
        "embedding_types": strings(5),
    },
    "input_type",
    "texts",
)
_COHERE_V4: Schema = closed(
    {
        "texts": _COHERE_TEXTS,
        "input_type": {"type": "string", "enum": _INPUT_TYPES},
        "truncate": {"type": "string", "enum": ["NONE", "LEFT", "RIGHT"]},
        "embedding_types": strings(5),
        "output_dimension": {"type": "integer", "enum": [256, 512, 1024, 1536]},
        "max_tokens": {"type": "integer", "minimum": 1, "maximum": 128_000},
    },
    "input_type",
    "texts",
)
_FROM_THE_START = {"START", "LEFT"}


def vector(text: str, dimensions: int, *, normalize: bool = True) -> list[float]:
    """The vector of a text, of length 1 unless told otherwise: one signed entry per word, its place and sign the word's hash."""
    values = [0.0] * dimensions
    for word in keywords(text) or [text]:
        digest = hashlib.sha256(word.encode()).digest()
        values[int.from_bytes(digest[:4], "big") % dimensions] += 1.0 if digest[4] % 2 else -1.0
    length = math.sqrt(sum(value * value for value in values)) if normalize else 1.0
    return [value / (length or 1.0) for value in values]


def _read_titan(body: Json, origin: Origin, *, schema: Schema) -> Ask:
    require(body, schema)
    text = body.get("inputText", "")
    if not (text or body.get("inputImage")):
        raise invalid("Please provide inputText or inputImage in your request.")
    window, tokens = origin.model.base.window, count(text)
    if tokens > window:
        raise invalid(f"400 Bad Request: Too many input tokens. Max input tokens: {window}, request input token count: {tokens} ")
    return Ask((Turn("user", text),), text, 0, images=int("inputImage" in body), body=body)


def _whole_titan(answer: Answer, ask: Ask, _origin: Origin) -> Json:
    floats = vector(ask.prompt, ask.body.get("dimensions", 1024), normalize=ask.body.get("normalize", True))
    kinds = ask.body.get("embeddingTypes", ["float"])
    forms: dict[str, Any] = {"float": floats, "binary": [int(value > 0) for value in floats]}
    by_type = {kind: forms[kind] for kind in kinds}
    plain = {"embedding": floats} if "float" in kinds else {}
    return plain | {"embeddingsByType": by_type, "inputTextTokenCount": answer.input_tokens}


def _whole_titan_g1(answer: Answer, ask: Ask, _origin: Origin) -> Json:
    return {"embedding": vector(ask.prompt, 1536), "inputTextTokenCount": answer.input_tokens}


def _whole_titan_image(answer: Answer, ask: Ask, _origin: Origin) -> Json:
    dimensions = ask.body.get("embeddingConfig", {}).get("outputEmbeddingLength", 1024)
    floats = vector(ask.prompt + ask.body.get("inputImage", ""), dimensions)
    return {"embedding": floats, "inputTextTokenCount": answer.input_tokens, "message": None}


def _read_cohere(body: Json, origin: Origin, *, schema: Schema) -> Ask:
    require(body, schema)
    window = min(origin.model.base.window, body.get("max_tokens", origin.model.base.window))
    texts = [_cut(text, window, body.get("truncate", "NONE")) for text in body["texts"]]
    return Ask(tuple(Turn("user", text) for text in texts), "\n".join(texts), 0, body=body)


def _cut(text: str, window: int, truncate: str) -> str:
    parts = pieces(text)
    if len(parts) <= window:
        return text
    if truncate == "NONE":
        raise invalid("Input is too long for requested model.")
    return "".join(parts[-window:] if truncate in _FROM_THE_START else parts[:window])


def _whole_cohere(_answer: Answer, ask: Ask, origin: Origin, *, dimensions: int) -> Json:
    floats = [vector(turn.text, ask.body.get("output_dimension", dimensions)) for turn in ask.turns]
    kinds = ask.body.get("embedding_types")
    envelope = {"id": origin.seed[:32], "texts": ask.body["texts"]}
    if kinds is None or (kinds == ["float"] and "v4" in origin.model.base.model_id):
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


TITAN_V2 = Dialect(partial(_read_titan, schema=_TITAN_V2), "", _whole_titan, _never)
TITAN_G1 = Dialect(partial(_read_titan, schema=_TITAN_G1), "", _whole_titan_g1, _never)
TITAN_IMAGE = Dialect(partial(_read_titan, schema=_TITAN_IMAGE), "", _whole_titan_image, _never)
COHERE_V3 = Dialect(partial(_read_cohere, schema=_COHERE_V3), "", partial(_whole_cohere, dimensions=1024), _never)
COHERE_V4 = Dialect(partial(_read_cohere, schema=_COHERE_V4), "", partial(_whole_cohere, dimensions=1536), _never)
