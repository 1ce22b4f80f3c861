"""Claude's replies, whole and streamed, as deltas. Knows nothing of requests.

A stream is ``message_start``, blocks (start, deltas, stop), ``message_delta`` with the reason, ``message_stop`` with
Bedrock's metrics. Types that are not known here (``ping``, and whatever comes next) are passed over.
"""

import msgspec
from msgspec.structs import replace

from adapters import arguments, structured
from adapters.chat import ChatRequest
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
from adapters.families.claude.formats import is_hidden
from adapters.families.claude.generations import Generation
from adapters.families.claude.stops import foreign_stops
from adapters.families.claude.wire import Block, Body, Chunk, Counts
from adapters.family import Reader
from adapters.pieces import INTERVENED, Metrics, Words, finish, metered
from adapters.stopping import Counting, stopped, stopping

WORDS: Words = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "guardrail_intervened": "content_filter",
}


_decode_body = msgspec.json.Decoder(Body).decode
_decode_chunk = msgspec.json.Decoder(Chunk).decode


def decode(generation: Generation, body: bytes, request: ChatRequest, counts: Usage | None) -> list[Delta]:
    """A whole reply, the hidden tool's call shown as text, ended at the stop strings that Claude does not take.

    Raises:
        MalformedReply: Not Claude's form, or no content and no reason for it.
    """
    try:
        reply = _decode_body(body)
    except (ValueError, RecursionError) as error:
        raise MalformedReply("the reply is not one of Claude's") from error
    blocked = reply.guardrail == INTERVENED
    # No content is an answer too, after a tool's result say, if the model says that it ended so.
    if reply.content is None or not (reply.content or reply.stop_reason or blocked):
        raise MalformedReply("the reply holds no answer")
    deltas: list[Delta] = []
    calls = 0
    for block in reply.content:
        calls += _read_block(block, calls, deltas)
    deltas.append(_finish(reply.stop_reason, reply.stop_sequence, has_calls=calls > 0, blocked=blocked))
    if usage := _usage(reply.usage, reply.usage) or metered(reply.metrics) or counts:
        deltas.append(usage)
    if is_hidden(request, generation):
        deltas = structured.revealed(deltas, request)
    return stopped(deltas, foreign_stops(request))


def reader(generation: Generation, request: ChatRequest) -> Reader:
    """A reader of chunks; it cuts only at stop strings that Claude does not take."""
    found: Counting = ClaudeReader()
    if is_hidden(request, generation):
        found = structured.revealing(found, request)
    return stopping(found, foreign_stops(request))


class ClaudeReader:
    """Reads one streamed reply. ``Finish`` waits for ``message_stop``: a guardrail may speak up to the last chunk."""

    __slots__ = (
        "_blocked",
        "_calls",
        "_closing",
        "_done",
        "_open",
        "_opened",
        "_opening",
        "_reason",
        "_started",
        "_stop",
        "cut",
    )

    def __init__(self) -> None:
        self.cut = False
        self._open: dict[float, int] = {}  # block index -> dense index of the calls still without arguments
        self._calls: dict[float, int] = {}  # block index -> dense index
        self._opened = 0
        self._opening: Counts | None = None
        self._closing: Counts | None = None
        self._reason: str | None = None
        self._stop: str | None = None
        self._started = False
        self._blocked = False
        self._done = False

    def read(self, chunk: bytes) -> list[Delta]:
        """Read one chunk; see ``adapters.family.Reader``."""
        try:
            native = _decode_chunk(chunk)
        except (ValueError, RecursionError) as error:
            raise MalformedReply("the chunk is not one of Claude's") from error
        if native.guardrail == INTERVENED:
            self._blocked = True
        kind = native.type
        if kind == "content_block_delta":
            return self._delta(native)
        if kind == "content_block_start":
            return self._start_block(native)
        if kind == "content_block_stop":
            return self._stop_block(native)
        if kind == "message_start":
            self._started = True
            self._opening = native.message.usage if native.message else None
        elif kind == "message_delta":
            self._note(native)
        elif kind == "error":
            raise MalformedReply("the model reports an error inside its reply")
        if kind == "message_stop" or native.metrics is not None:
            return self._finish(native.metrics)
        return []

    def end(self) -> list[Delta]:
        """See ``adapters.family.Reader``."""
        if self._done:
            return []
        if self._reason is None and not self._blocked:
            raise MalformedReply("the reply ended without message_stop")
        return self._finish(None)

    def counted(self) -> Usage | None:
        """What has been consumed so far; Claude counts its output only at the end."""
        return _usage(self._opening, self._closing)

    def _note(self, native: Chunk) -> None:
        if native.delta is not None:
            self._reason = native.delta.stop_reason or self._reason
            self._stop = native.delta.stop_sequence or self._stop
        self._closing = native.usage or self._closing

    def _delta(self, native: Chunk) -> list[Delta]:
        delta = native.delta
        if delta is None:
            return []
        if delta.text:
            return [Text(delta.text)]
        if delta.partial_json:
            index = self._calls.get(native.index)
            if index is None:
                raise MalformedReply("arguments came for a tool call that had not begun")
            self._open.pop(native.index, None)
            return [ToolCallArguments(index, delta.partial_json)]
        if delta.thinking:
            return [Reasoning(delta.thinking)]
        if delta.signature:
            return [ReasoningSignature(delta.signature)]
        return []

    def _start_block(self, native: Chunk) -> list[Delta]:
        block = native.content_block
        if block is None:
            return []
        deltas: list[Delta] = []
        if block.type == "tool_use":
            index = self._opened
            self._opened += 1
            self._calls[native.index] = self._open[native.index] = index
            deltas.append(_call_start(block, index))
            if called := arguments.as_text(block.input):
                del self._open[native.index]
                deltas.append(ToolCallArguments(index, called))
        else:
            _read_block(block, 0, deltas)
        return deltas

    def _stop_block(self, native: Chunk) -> list[Delta]:
        """A call that ends without a word of arguments has none: ``{}``, so that what was joined is one object."""
        index = self._open.pop(native.index, None)
        return [] if index is None else [ToolCallArguments(index, "{}")]

    def _finish(self, metrics: Metrics | None) -> list[Delta]:
        if self._done:
            return []
        if not (self._started or self._blocked or self._reason):
            raise MalformedReply("the reply holds no answer")
        self._done = True
        deltas: list[Delta] = [_finish(self._reason, self._stop, has_calls=self._opened > 0, blocked=self._blocked)]
        if usage := self.counted() or metered(metrics):
            deltas.append(usage)
        return deltas


def _read_block(block: Block, calls: int, deltas: list[Delta]) -> int:
    """Append what a whole block says; returns how many tool calls it was: 1 or 0."""
    if block.type == "tool_use":
        deltas.extend((_call_start(block, calls), ToolCallArguments(calls, arguments.as_text(block.input) or "{}")))
        return 1
    if block.text:
        deltas.append(Text(block.text))
    if block.thinking:
        deltas.append(Reasoning(block.thinking))
    if block.signature:
        deltas.append(ReasoningSignature(block.signature))
    if block.type == "redacted_thinking" and block.data:
        deltas.append(RedactedReasoning(block.data))
    return 0


def _finish(native: str | None, stop: str | None, *, has_calls: bool, blocked: bool) -> Finish:
    """Claude alone names the stop string that it met."""
    found = finish(native, WORDS, has_calls=has_calls, blocked=blocked)
    return replace(found, stop=stop) if stop and native == "stop_sequence" else found


def _call_start(block: Block, index: int) -> ToolCallStart:
    if not block.id or not block.name:
        raise MalformedReply("a tool call began without its id or its name")
    return ToolCallStart(index, block.id, block.name)


def _usage(opening: Counts | None, closing: Counts | None) -> Usage | None:
    """Input as stated at the start, output as last stated: the count of ``message_delta`` is cumulative."""
    opening, closing = opening or Counts(), closing or Counts()
    stated = opening if opening.input_tokens is not None else closing
    if stated.input_tokens is None or closing.output_tokens is None:
        return None
    cache_read = int(stated.cache_read_input_tokens or 0)
    cache_write = int(stated.cache_creation_input_tokens or 0)
    return Usage(int(stated.input_tokens) + cache_read + cache_write, int(closing.output_tokens), cache_read, cache_write)
