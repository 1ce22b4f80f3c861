"""Deltas into OpenAI's bytes: one JSON body, or the events of a stream. It knows no family, no network and no clock.

A stream's events are prefix, encoded text, suffix: what does not change inside a stream is encoded once, since this runs
for every token of every reply.
"""

from collections.abc import Sequence

import msgspec

from adapters.deltas import (
    Delta,
    Finish,
    Reasoning,
    ReasoningSignature,
    RedactedReasoning,
    Reply,
    Text,
    Thought,
    ToolCallArguments,
    ToolCallStart,
    Usage,
    assemble,
)
from adapters.errors import MalformedReply
from gateway.call import Call
from gateway.surface.openai import wire
from gateway.surface.openai.framing import DONE, completion_usage, encode, error_event, framed, quoted, usage_event
from gateway.surface.openai.logprobs import gathered, listed


def completion_id(call: Call) -> str:
    """The reply's id; it holds the request's, so that either finds the other in a log."""
    return f"chatcmpl-{call.id}"


def whole(call: Call, choices: Sequence[Sequence[Delta]], created: int) -> bytes:
    """A whole reply as one JSON body.

    Args:
        choices: Everything that came for each of the ``n`` choices, in order.
        created: Unix seconds.

    Raises:
        MalformedReply: A choice never finished.
    """
    replies = [assemble(deltas) for deltas in choices]
    usages = [reply.usage for reply in replies if reply.usage is not None]
    reasoned = any(reply.thoughts for reply in replies)
    body = wire.ChatCompletion(
        id=completion_id(call),
        created=created,
        model=call.alias,
        choices=[_choice(index, reply, asked=bool(call.request.sampling.logprobs)) for index, reply in enumerate(replies)],
        usage=completion_usage(usages, reasoned=reasoned) if usages else msgspec.UNSET,
    )
    return encode(body)


class Events:
    """The events of one streamed reply. Feed it what comes for each choice, then call ``end`` once, or ``error`` once."""

    __slots__ = ("_choices", "_close", "_head", "_logprobs", "_text_close", "_usage_close", "_wants_usage")

    def __init__(self, call: Call, created: int) -> None:
        head = {"id": completion_id(call), "object": "chat.completion.chunk", "created": created, "model": call.alias}
        self._wants_usage = call.include_usage
        self._logprobs = bool(call.request.sampling.logprobs)
        self._head = b"data: " + encode(head)[:-1] + b',"choices":['
        self._usage_close = b',"usage":null}\n\n' if call.include_usage else b"}\n\n"
        self._close = b',"logprobs":null,"finish_reason":null}]' + self._usage_close
        self._text_close = b"}" + self._close
        self._choices = [_Choice(self._head + b'{"index":%d,"delta":' % index) for index in range(call.choices)]

    def events(self, choice: int, deltas: Sequence[Delta]) -> bytes:
        """Every event of one batch, joined for one send; empty when the batch has nothing to say to the caller.

        Args:
            choice: Which of the ``n``, counted from 0.
        """
        state = self._choices[choice]
        out: list[bytes] = []
        if self._logprobs:
            deltas = self._take_logprobs(state, deltas, out)
        opening, closing = state.text_opening, self._text_close
        for delta in deltas:
            if type(delta) is Text:
                text = delta.text
                if text:
                    # Printable text holds none of the line ends that JSON leaves alone; both questions are one fast scan.
                    out += (opening, encode(text) if text.isascii() or text.isprintable() else quoted(text), closing)
            else:
                self._other(state, delta, out)
        if not out:
            return b""
        if not state.begun:
            out.insert(0, self._first(state))
        return b"".join(out)

    def end(self) -> bytes:
        """The last events of a reply that is complete: finish reasons, the usage chunk if it was asked for, ``[DONE]``.

        Should a choice have no finish reason after all, the reply is not complete: the last event is an error instead.
        """
        out: list[bytes] = []
        for state in self._choices:
            if state.finish is None:
                return self.error(MalformedReply("the reply has no finish reason"))
            if not state.begun:
                out.append(self._first(state))
            out += [self._tool_call(state, index, {"arguments": "{}"}) for index in sorted(state.bare_calls)]
            finish = b'{},"logprobs":null,"finish_reason":' + encode(state.finish.reason) + b"}]"
            out.append(state.opening + finish + self._usage_close)
        if self._wants_usage:
            out.append(self._usage_event())
        out.append(DONE)
        return b"".join(out)

    def error(self, error: Exception) -> bytes:
        """The last event of a reply that failed. Nothing may follow it: no finish reason, no ``[DONE]``."""
        return error_event(error)

    def _first(self, state: "_Choice") -> bytes:
        state.begun = True
        return state.opening + b'{"role":"assistant","content":"","refusal":null}' + self._close

    def _other(self, state: "_Choice", delta: Delta, out: list[bytes]) -> None:
        match delta:
            case Reasoning(text=text) if text:
                state.reasoned = True
                state.thinking.append(text)
                out.append(state.opening + b'{"reasoning_content":' + quoted(text) + self._text_close)
            case ReasoningSignature():
                out.append(self._detail(state, Thought("".join(state.thinking), delta.signature)))
                state.thinking = []
            case RedactedReasoning():
                out.append(self._detail(state, Thought(redacted=delta.data)))
            case ToolCallStart():
                state.bare_calls.add(delta.index)
                head = {"id": delta.id, "type": "function"}
                out.append(self._tool_call(state, delta.index, {"name": delta.name, "arguments": ""}, head))
            case ToolCallArguments(arguments=arguments) if arguments:
                state.bare_calls.discard(delta.index)
                out.append(self._tool_call(state, delta.index, {"arguments": arguments}))
            case Finish():
                # Held until the end: a family may still send text, or its usage, after its stop reason.
                state.finish = delta
            case Usage():
                state.usage = delta

    def _detail(self, state: "_Choice", thought: Thought) -> bytes:
        """A whole thought, once, to be sent back: also for clients that only put lists together."""
        detail = _detail(thought, state.details)
        state.reasoned = True
        state.details += 1
        return state.opening + b'{"reasoning_details":[' + framed(encode(detail)) + b"]" + self._text_close

    def _tool_call(self, state: "_Choice", index: int, function: dict[str, str], head: dict[str, str] | None = None) -> bytes:
        call = framed(encode({"index": index, **(head or {}), "function": function}))
        return state.opening + b'{"tool_calls":[' + call + b"]" + self._text_close

    def _take_logprobs(self, state: "_Choice", deltas: Sequence[Delta], out: list[bytes]) -> list[Delta]:
        """Write the texts of a batch together with their log probabilities; return what is neither."""
        tokens, text, others = gathered(deltas)
        if tokens:
            logprobs = framed(encode(wire.ChoiceLogprobs(listed(tokens))))
            closing = b'},"logprobs":' + logprobs + b',"finish_reason":null}]' + self._usage_close
            out.append(state.text_opening + quoted(text) + closing)
        return others

    def _usage_event(self) -> bytes:
        usages = [state.usage for state in self._choices if state.usage is not None]
        reasoned = any(state.reasoned for state in self._choices)
        return usage_event(self._head, usages, reasoned=reasoned)


class _Choice:
    """What a stream has said of one choice, and how each of its events begins."""

    __slots__ = ("bare_calls", "begun", "details", "finish", "opening", "reasoned", "text_opening", "thinking", "usage")

    def __init__(self, opening: bytes) -> None:
        self.opening = opening
        self.text_opening = opening + b'{"content":'
        self.begun = False
        self.reasoned = False
        self.thinking: list[str] = []  # of the thought that waits for its seal
        self.details = 0  # how many thoughts have been sealed
        self.bare_calls: set[int] = set()  # calls that have no arguments yet; without any, they are "{}"
        self.finish: Finish | None = None
        self.usage: Usage | None = None


def _choice(index: int, reply: Reply, *, asked: bool) -> wire.Choice:
    if reply.finish is None:
        raise MalformedReply("the reply has no finish reason")
    calls = [wire.ReplyToolCall(call.id, wire.ReplyFunction(call.name, call.arguments)) for call in reply.tool_calls]
    message = wire.ReplyMessage(
        content=None if calls and not reply.text else reply.text,
        reasoning_content=reply.reasoning or msgspec.UNSET,
        reasoning_details=_details(reply.thoughts) or msgspec.UNSET,
        tool_calls=calls or msgspec.UNSET,
    )
    logprobs = wire.ChoiceLogprobs(listed(reply.logprobs)) if asked and reply.logprobs else None
    return wire.Choice(index, message, reply.finish.reason, logprobs)


def _details(thoughts: Sequence[Thought]) -> list[wire.ReasoningDetail]:
    """The thoughts that a later turn can send back: without a seal the model takes none for its own."""
    sealed = [thought for thought in thoughts if thought.signature is not None or thought.redacted is not None]
    return [_detail(thought, index) for index, thought in enumerate(sealed)]


def _detail(thought: Thought, index: int) -> wire.ReasoningDetail:
    if thought.redacted is not None:
        return wire.ReasoningEncrypted(thought.redacted, index=index)
    return wire.ReasoningText(thought.text, thought.signature, index)
