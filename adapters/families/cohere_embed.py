"""Cohere Embed v3 (English, Multilingual) and v4, for texts. 96 texts a call. Knows no other family.

Source: Amazon Bedrock user guide, model-parameters-embed-v3 and -v4, read 2026-11-22. What the guide does not say: more
than 2,048 characters are refused whatever ``truncate`` is, since the body's form is judged first (public reports of
ValidationException, "#/texts/0: expected maxLength: 2048"). Token counts come in a header, never in the body.
"""

from typing import Any

import msgspec
from msgspec import Struct

from adapters import embeddings
from adapters.embedder import Embedder
from adapters.embeddings import EmbeddingReply, EmbeddingRequest, Vector
from adapters.errors import MalformedReply

INPUT_TYPE = "search_document"  # the body must say one; OpenAI's has no word for it
_INPUT_TYPES = (INPUT_TYPE, "search_query", "classification", "clustering")
_TEXTS = 96


class Floats(Struct, frozen=True):
    float: list[Vector]


class Body(Struct, frozen=True):
    """``embeddings`` by type where types were asked for, and, by some of the guide's examples, of v4 in any case."""

    embeddings: list[Vector] | Floats


_decode_body = msgspec.json.Decoder(Body).decode


def encode(request: EmbeddingRequest) -> bytes:
    """v3: the number of dimensions is the model's own."""
    return msgspec.json.encode(_body(request))


def encode_v4(request: EmbeddingRequest) -> bytes:
    """v4."""
    body = _body(request)
    if request.dimensions is not None:
        body["output_dimension"] = request.dimensions
    return msgspec.json.encode(body)


def _body(request: EmbeddingRequest) -> dict[str, Any]:
    body: dict[str, Any] = {"texts": request.texts, "input_type": request.input_type or INPUT_TYPE}
    if request.truncate is not None:
        body["truncate"] = request.truncate
    return body


def decode(native: bytes, request: EmbeddingRequest) -> EmbeddingReply:
    """A reply of either: a vector for each text."""
    try:
        found = _decode_body(native).embeddings
    except (ValueError, RecursionError) as error:
        raise MalformedReply("the reply is not one of Cohere's embeddings") from error
    return embeddings.reply(found.float if isinstance(found, Floats) else found, request)


V3 = Embedder(
    name="cohere_embed",
    dimensions=1024,
    accepts={"dimensions": (1024,), "input_type": _INPUT_TYPES, "truncate": ("NONE", "START", "END")},
    texts=_TEXTS,
    characters=2048,
    encode=encode,
    decode=decode,
)
V4 = Embedder(
    name="cohere_embed_v4",
    dimensions=1536,
    accepts={"dimensions": (256, 512, 1024, 1536), "input_type": _INPUT_TYPES, "truncate": ("NONE", "LEFT", "RIGHT")},
    texts=_TEXTS,
    characters=None,
    encode=encode_v4,
    decode=decode,
)
