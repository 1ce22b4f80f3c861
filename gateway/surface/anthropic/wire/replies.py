"""What a caller of messages reads back: messages, the events of a stream, counts and errors. Knows no request.

Source: https://docs.anthropic.com/en/api/messages, /en/api/messages-streaming and /en/api/errors, read 2026-11-27; the
official SDK's own types are the referee: tests/referees/test_messages_schema.py.
"""

from typing import Any, Literal

from msgspec import Struct

StopReason = Literal[
    "end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal", "model_context_window_exceeded"
]


class TextBlock(Struct, tag_field="type", tag="text"):
    """Some of the answer."""

    text: str


class ThinkingBlock(Struct, tag_field="type", tag="thinking"):
    """What the model thought. Without a signature (``""``) it cannot be sent back to go on from."""

    thinking: str
    signature: str


class RedactedThinkingBlock(Struct, tag_field="type", tag="redacted_thinking"):
    """A thought that only the model can read, to be sent back as it is."""

    data: str


class ToolUseBlock(Struct, tag_field="type", tag="tool_use"):
    """A call that the model wants made."""

    id: str
    name: str
    input: dict[str, Any]


ContentBlock = TextBlock | ThinkingBlock | RedactedThinkingBlock | ToolUseBlock


class Usage(Struct):
    """What was consumed, in tokens. ``input_tokens`` leaves out what was read from or written to a cache."""

    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0


class MessageReply(Struct, tag_field="type", tag="message"):
    """The reply. In ``message_start`` it has no content yet, and ``input_tokens`` is an estimate."""

    id: str
    model: str
    content: list[ContentBlock]
    usage: Usage
    stop_reason: StopReason | None = None
    stop_sequence: str | None = None
    role: Literal["assistant"] = "assistant"


class MessageStart(Struct, tag_field="type", tag="message_start"):
    """The first event."""

    message: MessageReply


class ContentBlockStart(Struct, tag_field="type", tag="content_block_start"):
    """A block begins, empty; a redacted thought is whole here."""

    index: int
    content_block: ContentBlock


class TextBlockDelta(Struct, tag_field="type", tag="text_delta"):
    """Some more text."""

    text: str


class ThinkingDelta(Struct, tag_field="type", tag="thinking_delta"):
    """Some more of a thought."""

    thinking: str


class SignatureDelta(Struct, tag_field="type", tag="signature_delta"):
    """The seal over a thought."""

    signature: str


class InputJsonDelta(Struct, tag_field="type", tag="input_json_delta"):
    """Some more of the JSON text of a call's input."""

    partial_json: str


BlockDelta = TextBlockDelta | ThinkingDelta | SignatureDelta | InputJsonDelta


class ContentBlockDelta(Struct, tag_field="type", tag="content_block_delta"):
    """Some more of a block."""

    index: int
    delta: BlockDelta


class ContentBlockStop(Struct, tag_field="type", tag="content_block_stop"):
    """A block ends."""

    index: int


class Ending(Struct):
    """Why the message ended."""

    stop_reason: StopReason
    stop_sequence: str | None = None


class MessageDelta(Struct, tag_field="type", tag="message_delta"):
    """The end of the message; its counts are those of all of it."""

    delta: Ending
    usage: Usage


class MessageStop(Struct, tag_field="type", tag="message_stop"):
    """The last event."""


class ErrorObject(Struct):
    """What went wrong: a word for programs, a sentence for people."""

    type: str
    message: str


class ErrorResponse(Struct, tag_field="type", tag="error"):
    """An error; inside a stream, its last event."""

    error: ErrorObject
    request_id: str | None = None


MessageEvent = (
    MessageStart | ContentBlockStart | ContentBlockDelta | ContentBlockStop | MessageDelta | MessageStop | ErrorResponse
)


class TokenCount(Struct):
    """The tokens of a whole prompt: messages, system, tools. The header ``x-quarry-count`` says whether they were counted."""

    input_tokens: int
