"""Replies in content blocks, whole and streamed, as deltas. Knows nothing of requests.

A stream is ``messageStart``, the blocks' events, ``messageStop`` with the reason, ``metadata`` with the counts. Nova's own
stream holds them one to a chunk; Converse's typed events reach us in the same form. Events that are not known here are
passed over. A block's index tells calls apart and nothing else: Nova's own stream counts every piece of text as a block.
"""

from msgspec.structs import replace

from adapters import arguments
from adapters.blocks.shapes import (
    Block,
    Chunk,
    ContentBlockDelta,
    ContentBlockStart,
    Counts,
    Fields,
    ReasoningContent,
    ToolUse,
    decode_body,
    decode_chunk,
)
from adapters.deltas import (
    Delta,
    Finish,
    Reasoning,
    ReasoningSignature,
    RedactedReasoning,
    Text,
    ToolCallArguments,
    ToolCallStart,
    Usage,
)
from adapters.errors import MalformedReply
from adapters.pieces import INTERVENED, Metrics, Words, finish, metered

WORDS: Words = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "malformed_model_output": None,
    "malformed_tool_use": None,
}


def decode(body: bytes, counts: Usage | None) -> list[Delta]:
    """A whole reply.

    Args:
        counts: The token headers, for a body without counts.

    Raises:
        MalformedReply: Not of this form, no content and no reason for it, or the model's own word for a failed generation.
    """
    try:
        reply = decode_body(body)
    except (ValueError, RecursionError) as error:
        raise MalformedReply("the reply is not made of content blocks") from error
    blocked = reply.guardrail == INTERVENED
    content = reply.output and reply.output.message and reply.output.message.content
    # No content is an answer too, after a tool's result say, if the model says that it ended so.
    if not content and (reply.output is None or not (reply.stop_reason or blocked)):
        raise MalformedReply("the reply holds no answer")
    deltas: list[Delta] = []
    calls = 0
    for block in content or ():
        calls += _read_block(block, calls, deltas)
    deltas.append(_finish(reply.stop_reason, reply.additional_model_response_fields, has_calls=calls > 0, blocked=blocked))
    if usage := _usage(reply.usage) or metered(reply.metrics) or counts:
        deltas.append(usage)
    return deltas


class BlocksReader:
    """Reads one streamed reply. ``Finish`` waits for the counts, which come last: a guardrail may speak until then."""

    __slots__ = (
        "_blocked",
        "_calls",
        "_counts",
        "_done",
        "_empty",
        "_fields",
        "_metrics",
        "_opened",
        "_reason",
        "_spoken",
        "cut",
    )

    def __init__(self) -> None:
        self.cut = False
        self._opened = 0
        self._calls: dict[float, int] = {}  # block index -> dense index
        self._empty: dict[float, int] = {}  # the same, of the calls still without arguments
        self._reason: str | None = None
        self._fields: Fields | None = None
        self._counts: Counts | None = None
        self._metrics: Metrics | None = None
        self._spoken = False
        self._blocked = False
        self._done = False

    def read(self, chunk: bytes) -> list[Delta]:
        """Read one chunk; see ``adapters.family.Reader``."""
        try:
            native = decode_chunk(chunk)
        except (ValueError, RecursionError) as error:
            raise MalformedReply("the chunk is none of content blocks") from error
        if native.guardrail == INTERVENED:
            self._blocked = True
        if self._done:
            return []
        if native.content_block_delta is not None:
            return self._delta(native.content_block_delta)
        if native.content_block_start is not None:
            return self._start(native.content_block_start)
        if native.content_block_stop is not None:
            return self._stop(native.content_block_stop.content_block_index)
        return self._end_of_message(native)

    def end(self) -> list[Delta]:
        """See ``adapters.family.Reader``."""
        if self._done:
            return []
        # Bedrock's metrics end what was spoken, or blocked, without a reason.
        if self._reason is None and not (self._metrics is not None and (self._spoken or self._blocked)):
            raise MalformedReply("the reply ended without saying that it was finished")
        return self._close()

    def counted(self) -> Usage | None:
        """See ``adapters.stopping.Counting``: nothing before the last chunk."""
        return _usage(self._counts) or metered(self._metrics)

    def _delta(self, event: ContentBlockDelta) -> list[Delta]:
        delta = event.delta
        self._spoken = True
        if delta.text is not None:
            return [Text(delta.text)] if delta.text else []
        if delta.tool_use is not None:
            return self._call(event.content_block_index, delta.tool_use.input)
        return _thoughts(delta.reasoning_content) if delta.reasoning_content is not None else []

    def _call(self, block: float, more: str | None) -> list[Delta]:
        index = self._calls.get(block)
        if index is None:
            raise MalformedReply("a tool call's arguments came before its name")
        if not more:
            return []
        self._empty.pop(block, None)
        return [ToolCallArguments(index, more)]

    def _start(self, event: ContentBlockStart) -> list[Delta]:
        call = event.start.tool_use
        if call is None:
            return []
        self._spoken = True
        block, index = event.content_block_index, self._opened
        deltas = [*self._stop(block), _call_start(call, index)]
        self._opened += 1
        self._calls[block] = self._empty[block] = index
        if more := arguments.as_text(call.input):
            deltas += self._call(block, more)
        return deltas

    def _stop(self, block: float) -> list[Delta]:
        """A call that ends without a word of arguments has none: ``{}``, so that what was joined is one object."""
        index = self._empty.pop(block, None)
        return [] if index is None else [ToolCallArguments(index, "{}")]

    def _end_of_message(self, native: Chunk) -> list[Delta]:
        if native.message_stop is not None:
            self._reason = native.message_stop.stop_reason or ""
            self._fields = native.message_stop.additional_model_response_fields
        if native.metrics is not None:
            self._metrics = native.metrics
        if native.metadata is not None:
            self._counts = native.metadata.usage
        return self._close() if self._reason is not None and self.counted() is not None else []

    def _close(self) -> list[Delta]:
        self._done = True
        end = _finish(self._reason, self._fields, has_calls=self._opened > 0, blocked=self._blocked)
        deltas: list[Delta] = []
        if end.reason != "length":
            deltas += [ToolCallArguments(index, "{}") for index in self._empty.values()]
        deltas.append(end)
        if usage := self.counted():
            deltas.append(usage)
        return deltas


def reader() -> BlocksReader:
    """A reader of chunks for one reply."""
    return BlocksReader()


def _read_block(block: Block, calls: int, deltas: list[Delta]) -> int:
    """Append what a whole block says; returns how many tool calls it was: 1 or 0."""
    if block.tool_use is not None:
        deltas += [
            _call_start(block.tool_use, calls),
            ToolCallArguments(calls, arguments.as_text(block.tool_use.input) or "{}"),
        ]
        return 1
    if block.reasoning_content is not None:
        deltas += _thoughts(block.reasoning_content)
    elif block.citations_content is not None:
        deltas += [Text(cited.text) for cited in block.citations_content.content or () if cited.text]
    elif block.text:
        deltas.append(Text(block.text))
    return 0


def _thoughts(content: ReasoningContent) -> list[Delta]:
    said = content.reasoning_text or content
    deltas: list[Delta] = []
    if said.text:
        deltas.append(Reasoning(said.text))
    if said.signature:
        deltas.append(ReasoningSignature(said.signature))
    if content.redacted_content:
        deltas.append(RedactedReasoning(content.redacted_content))
    return deltas


def _call_start(call: ToolUse, index: int) -> ToolCallStart:
    if not call.tool_use_id or not call.name:
        raise MalformedReply("a tool call began without its id or its name")
    return ToolCallStart(index, call.tool_use_id, call.name)


def _finish(reason: str | None, fields: Fields | None, *, has_calls: bool, blocked: bool) -> Finish:
    end = finish(reason, WORDS, has_calls=has_calls, blocked=blocked)
    return replace(end, stop=fields.stop_sequence) if fields is not None and fields.stop_sequence else end


def _usage(counts: Counts | None) -> Usage | None:
    if counts is None or counts.input_tokens is None or counts.output_tokens is None:
        return None
    cache_read = int(counts.cache_read_input_tokens or counts.cache_read_input_token_count or 0)
    cache_write = int(counts.cache_write_input_tokens or counts.cache_write_input_token_count or 0)
    return Usage(int(counts.input_tokens) + cache_read + cache_write, int(counts.output_tokens), cache_read, cache_write)
