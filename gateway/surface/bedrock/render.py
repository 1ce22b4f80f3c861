"""Deltas into Converse's bytes: the frames of a stream, or one JSON body joined from the same events. Knows no family."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from adapters.deltas import Delta, Finish, FinishReason, ToolCallStart, Usage
from adapters.errors import MalformedReply
from gateway.bedrock import frames
from gateway.call import Call
from gateway.surface.bedrock import wire
from gateway.surface.bedrock.contents import redacted
from gateway.surface.bedrock.parse import notes_of
from gateway.surface.bedrock.problems import exception_frame
from gateway.surface.blocks import Blocks, Closed, Grown, Opened, Step

_encode = msgspec.json.Encoder().encode

Event = tuple[str, dict[str, Any]]
"""An event's type and its payload."""

STOP_REASONS: Mapping[FinishReason, tuple[str, ...]] = {
    "stop": ("end_turn", "stop_sequence"),
    "length": ("max_tokens", "model_context_window_exceeded"),
    "tool_calls": ("tool_use",),
    "content_filter": ("content_filtered", "guardrail_intervened"),
}
"""Converse's words for why a reply ended, the usual one first."""


def stop_reason(finish: Finish) -> str:
    """Converse's word: the family's own where that is one of Converse's for the same reason."""
    words = STOP_REASONS[finish.reason]
    if finish.native in words:
        return str(finish.native)
    if finish.native == "INTERVENED":
        return "guardrail_intervened"
    return "stop_sequence" if finish.stop is not None and finish.reason == "stop" else words[0]


def _told(steps: Iterable[Step]) -> Iterator[Event]:
    """The events of a reply's steps. Only calls have a start: AWS sends none for text (recorded with Nova, 2026-11)."""
    for step in steps:
        match step:
            case Opened(call=ToolCallStart() as call):
                start = {"toolUse": {"toolUseId": call.id, "name": call.name}}
                yield "contentBlockStart", {"contentBlockIndex": step.number, "start": start}
            case Opened(kind="redacted"):
                yield _delta(step.number, {"reasoningContent": {"redactedContent": redacted(step.sealed)}})
            case Grown():
                yield _delta(step.number, _GROWTH[step.what](step.more))
            case Closed():
                yield "contentBlockStop", {"contentBlockIndex": step.number}


def _delta(index: int, delta: dict[str, Any]) -> Event:
    return "contentBlockDelta", {"contentBlockIndex": index, "delta": delta}


_GROWTH: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "text": lambda more: {"text": more},
    "thought": lambda more: {"reasoningContent": {"text": more}},
    "signature": lambda more: {"reasoningContent": {"signature": more}},
    "arguments": lambda more: {"toolUse": {"input": more}},
}


class Events:
    """The frames of one streamed reply."""

    def __init__(self, call: Call, _created: int) -> None:
        self._call = call
        self._blocks = Blocks()
        self._begun = False

    def events(self, _choice: int, deltas: Sequence[Delta]) -> bytes:
        """The frames of one batch, joined for one send."""
        events = [*_told(step for delta in deltas for step in self._blocks.tell(delta))]
        if not self._begun:
            self._begun = True
            events.insert(0, ("messageStart", {"role": "assistant"}))
        return _framed(events)

    def end(self) -> bytes:
        """The last frames of a reply that is complete, the counts after the reason; an exception's, should it not be."""
        blocks = self._blocks
        if blocks.finish is None:
            return self.error(MalformedReply("the reply has no finish reason"))
        metadata = {"usage": _usage(blocks.usage), "metrics": wire.Metrics(_latency_ms(self._call))}
        return _framed([*_told(blocks.close()), ("messageStop", _ended(self._call, blocks.finish)), ("metadata", metadata)])

    def error(self, error: Exception) -> bytes:
        """An exception frame. Nothing may follow it."""
        return exception_frame(error, converse=True)


def whole(call: Call, choices: Sequence[Sequence[Delta]], _created: int) -> bytes:
    """A whole reply as one JSON body.

    Raises:
        MalformedReply: It never finished.
    """
    blocks = Blocks()
    steps = [step for delta in choices[0] for step in blocks.tell(delta)]
    if blocks.finish is None:
        raise MalformedReply("the reply has no finish reason")
    ended = _ended(call, blocks.finish)
    reply = wire.ConverseReply(
        output=wire.Output(wire.ReplyMessage(_joined(_told([*steps, *blocks.close()])) or [{"text": ""}])),
        stop_reason=ended["stopReason"],
        usage=_usage(blocks.usage),
        metrics=wire.Metrics(_latency_ms(call)),
        additional_model_response_fields=ended.get("additionalModelResponseFields"),
    )
    return _encode(reply)


def _joined(events: Iterable[Event]) -> list[dict[str, Any]]:
    """The content of a message out of its blocks' events."""
    content: list[dict[str, Any]] = []
    calls: dict[int, list[str]] = {}
    for kind, payload in events:
        if kind == "contentBlockStop":
            continue
        index = payload["contentBlockIndex"]
        if kind == "contentBlockStart":
            content.append({"toolUse": {**payload["start"]["toolUse"]}})
            calls[index] = []
        elif index in calls:
            calls[index].append(payload["delta"]["toolUse"]["input"])
        else:
            if index == len(content):
                content.append({})
            _add(content[index], payload["delta"])
    for index, arguments in calls.items():
        content[index]["toolUse"]["input"] = _input("".join(arguments))
    return content


def _add(block: dict[str, Any], delta: dict[str, Any]) -> None:
    if "text" in delta:
        block["text"] = block.get("text", "") + delta["text"]
        return
    thought = delta["reasoningContent"]
    if "redactedContent" in thought:
        block["reasoningContent"] = thought
        return
    told = block.setdefault("reasoningContent", {}).setdefault("reasoningText", {"text": ""})
    for member, text in thought.items():
        told[member] = told.get(member, "") + text


def _input(arguments: str) -> Any:
    """The arguments of a call: an object, but for a call that the model never ended. Its text is paid for, and told as text."""
    try:
        return msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return arguments


def _ended(call: Call, finish: Finish) -> dict[str, Any]:
    ended: dict[str, Any] = {"stopReason": stop_reason(finish)}
    if notes_of(call).tells_stop:  # the caller asked for the stop sequence that was met
        ended["additionalModelResponseFields"] = {"stop_sequence": finish.stop}
    return ended


def _usage(usage: Usage | None) -> wire.TokenUsage:
    """Bedrock's figure of the input excludes what a cache held; ours includes it."""
    if usage is None:
        return wire.TokenUsage(0, 0, 0)
    read, written = usage.cache_read_tokens, usage.cache_write_tokens
    fresh = max(0, usage.input_tokens - read - written)
    return wire.TokenUsage(fresh, usage.output_tokens, usage.input_tokens + usage.output_tokens, read, written)


def _latency_ms(call: Call) -> int:
    return round((time.monotonic() - call.received_at) * 1000)


def _framed(events: Iterable[Event]) -> bytes:
    return b"".join([frames.encode(_HEADERS[kind], _encode(payload)) for kind, payload in events])


_HEADERS: Mapping[str, Mapping[str, str]] = {
    kind: {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    for kind in (
        "messageStart",
        "contentBlockStart",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
    )
}
