"""Canonical parts as Claude's content blocks. Knows no turn but the one that it is given, and no reply.

A cache point is no block of Claude's: it marks the block before it, and everything up to there may be cached.
"""

import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from adapters.chat import CachePoint, Document, Image, Part, Reasoning, Text
from adapters.errors import UnsupportedContent

Block = dict[str, Any]


def blocks(parts: Sequence[Part], place: str, before: Block | None = None) -> list[Block]:
    """The blocks of one message's parts, in order. Text that is all white space is left out: Claude refuses it.

    Args:
        place: Where the message stands, for refusals.
        before: The block before them all, which a cache point at the front marks.

    Raises:
        UnsupportedContent: A document of a type that Claude does not read.
    """
    found: list[Block] = []
    for number, part in enumerate(parts):
        if type(part) is Text:  # nearly every part
            if part.text.strip():
                found.append({"type": "text", "text": part.text})
        elif isinstance(part, CachePoint):
            mark(found[-1] if found else before, part)
        elif (write := _WRITERS.get(type(part))) is not None:
            found.append(write(part, place, number))
    return found


def mark(block: Block | None, point: CachePoint | None) -> None:
    """Let everything up to this block be cached. Thoughts cannot be marked; they are cached with what follows them."""
    if point is not None and block is not None and not is_thought(block):
        block["cache_control"] = {"type": "ephemeral", **({"ttl": point.ttl} if point.ttl else {})}


def is_thought(block: Block) -> bool:
    """Whether it is one of Claude's own thoughts."""
    return block.get("type") in {"thinking", "redacted_thinking"}


def _image(part: Image, _: str, __: int) -> Block:
    return {"type": "image", "source": {"type": "base64", "media_type": part.media_type, "data": part.data}}


def _reasoning(part: Reasoning, _: str, __: int) -> Block:
    if part.redacted is not None:
        return {"type": "redacted_thinking", "data": part.redacted}
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}


def _document(part: Document, place: str, number: int) -> Block:
    block: Block = {"type": "document", "source": _source(part, f"{place}.content[{number}]")}
    if part.title:
        block["title"] = part.title
    return block


def _source(part: Document, place: str) -> dict[str, str]:
    """PDF as it is; every kind of text as text: Claude reads Markdown and CSV as they are written."""
    if part.media_type == "application/pdf":
        return {"type": "base64", "media_type": part.media_type, "data": part.data}
    if not part.media_type.startswith("text/"):
        raise UnsupportedContent(
            f"{place} is a document of type {part.media_type}, and Claude reads PDF and text", parameter=place
        )
    text = part.data if part.media_type == "text/plain" else _decoded(part, place)
    return {"type": "text", "media_type": "text/plain", "data": text}


def _decoded(part: Document, place: str) -> str:
    try:
        return binascii.a2b_base64(part.data, strict_mode=True).decode()
    except ValueError as error:
        raise UnsupportedContent(f"{place} is labelled {part.media_type}, and is no UTF-8 text", parameter=place) from error


_WRITERS: Mapping[type, Callable[[Any, str, int], Block]] = {
    Image: _image,
    Document: _document,
    Reasoning: _reasoning,
}
