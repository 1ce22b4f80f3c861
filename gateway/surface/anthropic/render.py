"""Deltas into Anthropic's bytes: the events of a stream, or one JSON body joined from the same steps. Knows no family.

    message_start, (content_block_start, content_block_delta*, content_block_stop)*, message_delta, message_stop

Pieces of text are written between bytes that are encoded once per block, since that runs for every token of every reply.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from adapters.deltas import Delta, Finish, FinishReason, Usage
from adapters.errors import MalformedReply
from gateway.call import Call
from gateway.surface.anthropic.parse import notes_of
from gateway.surface.anthropic.problems import error_event
from gateway.surface.anthropic.wire import replies as wire
from gateway.surface.blocks import Blocks, Closed, Grown, Opened, Step
from gateway.surface.openai.framing import encode, framed, quoted
from gateway.usage import estimate

STOP_REASONS: Mapping[FinishReason, tuple[wire.StopReason, ...]] = {
    "stop": ("end_turn", "stop_sequence", "pause_turn"),
    "length": ("max_tokens", "model_context_window_exceeded"),
    "tool_calls": ("tool_use",),
    "content_filter": ("refusal",),
}
"""Anthropic's words for why a message ended, the usual one first."""

_DELTAS: Mapping[str, tuple[str, str]] = {
    "text": ("text_delta", "text"),
    "thought": ("thinking_delta", "thinking"),
    "signature": ("signature_delta", "signature"),
    "arguments": ("input_json_delta", "partial_json"),
}
"""What a block grows by: the type of its delta, and the field."""


def message_id(call: Call) -> str:
    """The reply's id; it holds the request's, so that either finds the other in a log."""
    return f"msg_{call.id}"


def whole(call: Call, choices: Sequence[Sequence[Delta]], _created: int) -> bytes:
    """A whole reply as one JSON body.

    Raises:
        MalformedReply: It never finished.
    """
    blocks = Blocks()
    steps = [step for delta in choices[0] for step in blocks.tell(delta)]
    if blocks.finish is None:
        raise MalformedReply("the reply has no finish reason")
    ending = _ending(call, blocks.finish)
    message = wire.MessageReply(
        id=message_id(call),
        model=call.alias,
        content=_joined(_shown(call, [*steps, *blocks.close()])),
        usage=_usage(blocks.usage, call),
        stop_reason=ending.stop_reason,
        stop_sequence=ending.stop_sequence,
    )
    return encode(message)


class Events:
    """The events of one streamed reply. Feed it what comes, then call ``end`` once, or ``error`` once."""

    __slots__ = ("_begun", "_blocks", "_call", "_text_index", "_text_opening")

    def __init__(self, call: Call, _created: int) -> None:
        self._call = call
        self._blocks = Blocks()
        self._begun = False
        self._text_index = -1
        self._text_opening = b""

    def events(self, _choice: int, deltas: Sequence[Delta]) -> bytes:
        """Every event of one batch, joined for one send."""
        blocks = self._blocks
        steps = _shown(self._call, [step for delta in deltas for step in blocks.tell(delta)])
        out = [self._event(step) for step in steps]
        if not self._begun:
            self._begun = True
            out.insert(0, self._start(deltas))
        return b"".join(out)

    def end(self) -> bytes:
        """The last events of a reply that is complete; an error's, should it have no finish reason after all."""
        blocks = self._blocks
        if blocks.finish is None:
            return self.error(MalformedReply("the reply has no finish reason"))
        out = [self._event(step) for step in blocks.close()]
        out.append(_named(wire.MessageDelta(_ending(self._call, blocks.finish), _usage(blocks.usage, self._call))))
        out.append(_named(wire.MessageStop()))
        return b"".join(out)

    def error(self, error: Exception) -> bytes:
        """The last event of a reply that failed. Nothing may follow it: no ``message_stop``."""
        return error_event(error, self._call.id)

    def _start(self, deltas: Sequence[Delta]) -> bytes:
        """What the prompt took is told as well as it is known: the upstream's count where it came first, else an estimate."""
        known = next((delta for delta in deltas if isinstance(delta, Usage)), None)
        usage = _usage(known, self._call)
        usage.output_tokens = 0
        message = wire.MessageReply(id=message_id(self._call), model=self._call.alias, content=[], usage=usage)
        return _named(wire.MessageStart(message))

    def _event(self, step: Step) -> bytes:
        match step:
            case Grown(number=index, what="text", more=more):
                if index != self._text_index:
                    self._text_index, self._text_opening = index, _text_opening(index)
                return self._text_opening + quoted(more) + b"}}\n\n"
            case Grown(number=index, what=what, more=more):
                kind, field = _DELTAS[what]
                return _event("content_block_delta", {"index": index, "delta": {"type": kind, field: more}})
            case Opened(number=index):
                return _named(wire.ContentBlockStart(index, _empty(step)))
            case Closed(number=index):
                return _named(wire.ContentBlockStop(index))


def _text_opening(index: int) -> bytes:
    head = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,' % index
    return head + b'"delta":{"type":"text_delta","text":'


def _named(event: msgspec.Struct) -> bytes:
    """An event under its own name."""
    name = str(event.__struct_config__.tag)
    return b"event: " + name.encode() + b"\ndata: " + framed(encode(event)) + b"\n\n"


def _event(name: str, payload: dict[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + framed(encode({"type": name, **payload})) + b"\n\n"


def _shown(call: Call, steps: Sequence[Step]) -> Sequence[Step]:
    """The steps without the text of thoughts, where the caller wants none of it."""
    if not notes_of(call).omits_thoughts:
        return steps
    return [step for step in steps if not (isinstance(step, Grown) and step.what == "thought")]


def _empty(opened: Opened) -> wire.ContentBlock:
    """A block as it begins."""
    match opened.kind:
        case "text":
            return wire.TextBlock("")
        case "thought":
            return wire.ThinkingBlock("", "")
        case "redacted":
            return wire.RedactedThinkingBlock(opened.sealed)
        case "call":
            assert opened.call is not None
            return wire.ToolUseBlock(opened.call.id, opened.call.name, {})


def _joined(steps: Iterable[Step]) -> list[wire.ContentBlock]:
    """The content of a message out of the steps of its blocks."""
    content: list[wire.ContentBlock] = []
    pieces: dict[int, dict[str, list[str]]] = {}
    for step in steps:
        if isinstance(step, Opened):
            content.append(_empty(step))
            pieces[step.number] = {}
        elif isinstance(step, Grown):
            pieces[step.number].setdefault(step.what, []).append(step.more)
    for index, block in enumerate(content):
        _fill(block, {what: "".join(more) for what, more in pieces[index].items()})
    return content


def _fill(block: wire.ContentBlock, told: Mapping[str, str]) -> None:
    match block:
        case wire.TextBlock():
            block.text = told.get("text", "")
        case wire.ThinkingBlock():
            block.thinking, block.signature = told.get("thought", ""), told.get("signature", "")
        case wire.ToolUseBlock():
            block.input = _input(told["arguments"])


def _input(arguments: str) -> dict[str, Any]:
    """The arguments of a call: an object, empty for a call that the model never ended; the stop reason says that it did not."""
    try:
        return msgspec.json.decode(arguments, type=dict[str, Any])
    except (msgspec.DecodeError, ValueError, RecursionError):
        return {}


def _ending(call: Call, finish: Finish) -> wire.Ending:
    words = STOP_REASONS[finish.reason]
    reason = next((word for word in words if word == finish.native), words[0])
    if finish.reason == "stop" and finish.stop is not None:
        reason = "stop_sequence"
    if reason != "stop_sequence":
        return wire.Ending(reason)
    stops = call.request.sampling.stop
    # A model that does not say which one it met can only have met the only one.
    return wire.Ending(reason, finish.stop if finish.stop is not None or len(stops) != 1 else stops[0])


def _usage(usage: Usage | None, call: Call) -> wire.Usage:
    """Anthropic's figure of the input excludes what a cache held; ours includes it."""
    if usage is None:
        return wire.Usage(estimate.prompt_tokens(call.request), 0)
    read, written = usage.cache_read_tokens, usage.cache_write_tokens
    fresh = max(0, usage.input_tokens - read - written)
    return wire.Usage(fresh, usage.output_tokens, cache_creation_input_tokens=written, cache_read_input_tokens=read)
