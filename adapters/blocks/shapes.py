"""The native shapes of content blocks in replies: bodies and chunks as msgspec reads them. Reads nothing itself.

Every field may be absent, and numbers are floats: a guardrail turns each integer of a body into ``28.0``.
"""

import msgspec
from msgspec import Raw, Struct

from adapters.pieces import Envelope


class Counts(Struct, frozen=True, rename="camel"):
    """``usage``; ``inputTokens`` leaves out what was read from or written to a cache.

    Nova's own body says ``…TokenCount`` where Converse says ``…Tokens``.
    """

    input_tokens: float | None = None
    output_tokens: float | None = None
    cache_read_input_tokens: float | None = None
    cache_write_input_tokens: float | None = None
    cache_read_input_token_count: float | None = None
    cache_write_input_token_count: float | None = None


class ToolUse(Struct, frozen=True, rename="camel"):
    """A call, or the start of one: then without its input."""

    tool_use_id: str | None = None
    name: str | None = None
    input: Raw = Raw()


class ReasoningText(Struct, frozen=True):
    text: str | None = None
    signature: str | None = None


class ReasoningContent(Struct, frozen=True, rename="camel"):
    """A thought. A stream says directly what a whole block says in ``reasoningText``."""

    reasoning_text: ReasoningText | None = None
    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None


class Cited(Struct, frozen=True):
    text: str | None = None


class Citations(Struct, frozen=True):
    content: list[Cited] | None = None


class Block(Struct, frozen=True, rename="camel"):
    """A block of a whole reply: one of these, or one that is not known here."""

    text: str | None = None
    tool_use: ToolUse | None = None
    reasoning_content: ReasoningContent | None = None
    citations_content: Citations | None = None


class Message(Struct, frozen=True):
    content: list[Block] | None = None


class Output(Struct, frozen=True):
    message: Message | None = None


class Fields(Struct, frozen=True):
    """``additionalModelResponseFields``: those of the model's own that Converse was asked to show."""

    stop_sequence: str | None = None


class Body(Envelope, frozen=True, rename="camel"):
    output: Output | None = None
    stop_reason: str | None = None
    usage: Counts | None = None
    additional_model_response_fields: Fields | None = None


class Input(Struct, frozen=True):
    input: str | None = None


class BlockDelta(Struct, frozen=True, rename="camel"):
    text: str | None = None
    tool_use: Input | None = None
    reasoning_content: ReasoningContent | None = None


class ContentBlockDelta(Struct, frozen=True, rename="camel"):
    delta: BlockDelta = BlockDelta()
    content_block_index: float = 0


class BlockStart(Struct, frozen=True, rename="camel"):
    tool_use: ToolUse | None = None


class ContentBlockStart(Struct, frozen=True, rename="camel"):
    start: BlockStart = BlockStart()
    content_block_index: float = 0


class ContentBlockStop(Struct, frozen=True, rename="camel"):
    content_block_index: float = 0


class MessageStop(Struct, frozen=True, rename="camel"):
    stop_reason: str | None = None
    additional_model_response_fields: Fields | None = None


class Metadata(Struct, frozen=True):
    usage: Counts | None = None


class Chunk(Envelope, frozen=True, rename="camel"):
    """Any chunk. One shape for all: an event that is not known must not fail to decode."""

    content_block_delta: ContentBlockDelta | None = None
    content_block_start: ContentBlockStart | None = None
    content_block_stop: ContentBlockStop | None = None
    message_stop: MessageStop | None = None
    metadata: Metadata | None = None


decode_body = msgspec.json.Decoder(Body).decode
decode_chunk = msgspec.json.Decoder(Chunk).decode
