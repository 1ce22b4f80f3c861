"""OpenAI's embeddings, both ways: what a caller may write, and what it reads back. Knows only what it looks like.

Source: https://platform.openai.com/docs/api-reference/embeddings
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from gateway.surface.openai.wire.requests import Alias, Closed

MOST_TEXTS = 2048
"""OpenAI's own bound."""

InputText = Annotated[str, Meta(min_length=1)]
Tokens = Annotated[tuple[int, ...], Meta(description="Refused: a token's number means another text to every model.")]
Inputs = Annotated[tuple[InputText | int | Tokens, ...], Meta(min_length=1)]


class EmbeddingBody(Closed, frozen=True):
    """Texts to embed. ``null`` is the same as leaving a field out.

    ``input_type``, ``truncate`` and ``normalize`` are not OpenAI's: its client sends them by ``extra_body``.
    """

    model: Alias
    input: Annotated[InputText | Inputs, Meta(description=f"One text, or up to {MOST_TEXTS} to be embedded each for itself.")]

    encoding_format: Annotated[
        Literal["float", "base64"] | None,
        Meta(description="Numbers, or base64 of little-endian 32-bit floats; OpenAI's client asks for the latter by itself."),
    ] = None
    dimensions: Annotated[
        int | None, Meta(description="How long each vector shall be: one of the lengths that the model has.")
    ] = None
    input_type: Annotated[
        str | None,
        Meta(
            description="Cohere's: what the vectors are for. `search_document` if nobody says, `search_query`, "
            "`classification`, `clustering`."
        ),
    ] = None
    truncate: Annotated[
        str | None, Meta(description="Cohere's: which end of a text that is too long may be left out. `NONE` if nobody says.")
    ] = None
    normalize: Annotated[bool | None, Meta(description="Titan's: whether vectors have length 1. `true` if nobody says.")] = None

    user: Annotated[str | None, Meta(description="Accepted; it changes no answer here.")] = None


class Embedding(Struct, frozen=True):
    """The vector of one text: the one at ``index`` in ``input``."""

    index: int
    embedding: list[float] | str
    object: Literal["embedding"] = "embedding"


class EmbeddingUsage(Struct, frozen=True):
    """Tokens of all texts together; an embedding has no others."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingList(Struct, frozen=True):
    """The reply, in the order of the texts. ``model`` is the alias that was asked for."""

    data: list[Embedding]
    model: str
    usage: EmbeddingUsage
    object: Literal["list"] = "list"
