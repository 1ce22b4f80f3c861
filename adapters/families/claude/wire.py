"""What Claude's replies look like: the whole body and a stream's chunks. Knows only fields."""

from typing import Any

from msgspec import Raw, Struct

from adapters.pieces import Envelope


class Counts(Struct, frozen=True):
    """Claude's ``usage``; ``input_tokens`` leaves out what was read from or written to a cache."""

    input_tokens: float | None = None
    output_tokens: float | None = None
    cache_read_input_tokens: float | None = None
    cache_creation_input_tokens: float | None = None


class Block(Struct, frozen=True):
    """A block of content, or the start of one."""

    type: str
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: Raw = Raw()


class Body(Envelope, frozen=True):
    content: list[Block] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: Counts | None = None


class BlockDelta(Struct, frozen=True):
    """``delta`` of a block, and of ``message_delta``."""

    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class Opening(Struct, frozen=True):
    usage: Counts | None = None


class Chunk(Envelope, frozen=True):
    """Any chunk. One shape for all types: a type that is not known must not fail to decode."""

    type: str = ""
    index: float = 0
    delta: BlockDelta | None = None
    content_block: Block | None = None
    message: Opening | None = None
    usage: Counts | None = None
    error: Any = None
