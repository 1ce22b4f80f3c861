"""Amazon Titan embeddings: Text V2, Text G1, and Multimodal G1 for texts alone. One text a call. Knows no other family.

Source: Amazon Bedrock user guide, model-parameters-titan-embed-text and -embed-mm, titan-embedding-models for the
50,000 characters; read 2026-11-22.
"""

from typing import Any

import msgspec
from msgspec import Struct

from adapters import embeddings
from adapters.embedder import Embedder
from adapters.embeddings import EmbeddingReply, EmbeddingRequest, Vector
from adapters.errors import MalformedReply

_CHARACTERS = 50_000  # or 8,192 tokens, which only the model itself counts


class Floats(Struct, frozen=True):
    float: Vector | None = None


class Body(Struct, frozen=True, rename="camel"):
    """``embedding`` is absent where only other types were asked for; ``embeddings_by_type`` is V2's."""

    embedding: Vector | None = None
    embeddings_by_type: Floats | None = None
    input_text_token_count: float | None = None


_decode_body = msgspec.json.Decoder(Body).decode


def encode(request: EmbeddingRequest) -> bytes:
    """V2: what nobody said is left to the model, whose vectors have length 1."""
    body: dict[str, Any] = {"inputText": request.texts[0]}
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    if request.normalize is not None:
        body["normalize"] = request.normalize
    return msgspec.json.encode(body)


def encode_g1(request: EmbeddingRequest) -> bytes:
    """G1 - Text: it reads nothing but the text."""
    return msgspec.json.encode({"inputText": request.texts[0]})


def encode_image(request: EmbeddingRequest) -> bytes:
    """Multimodal G1, without an image."""
    body: dict[str, Any] = {"inputText": request.texts[0]}
    if request.dimensions is not None:
        body["embeddingConfig"] = {"outputEmbeddingLength": request.dimensions}
    return msgspec.json.encode(body)


def decode(native: bytes, request: EmbeddingRequest) -> EmbeddingReply:
    """A reply of any of them: one vector.

    Multimodal G1 tells a failure inside a 200, as ``message`` beside no embedding.
    """
    try:
        body = _decode_body(native)
    except (ValueError, RecursionError) as error:
        raise MalformedReply("the reply is not one of Titan's embeddings") from error
    by_type = body.embeddings_by_type.float if body.embeddings_by_type is not None else None
    vector = body.embedding or by_type
    if vector is None:
        raise MalformedReply("the reply holds no embedding")
    return embeddings.reply([vector], request, body.input_text_token_count)


V2 = Embedder(
    name="titan_embed",
    dimensions=1024,
    accepts={"dimensions": (256, 512, 1024), "normalize": (True, False)},
    texts=1,
    characters=_CHARACTERS,
    encode=encode,
    decode=decode,
)
G1 = Embedder("titan_embed_g1", 1536, {"dimensions": (1536,)}, 1, _CHARACTERS, encode_g1, decode)
IMAGE = Embedder("titan_embed_image", 1024, {"dimensions": (256, 384, 1024)}, 1, None, encode_image, decode)
