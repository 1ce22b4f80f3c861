"""Command R's replies into deltas: a whole body, or Cohere's chat events. Knows nothing of requests' bodies.

A stream tells some things twice: calls piece by piece and then whole, and at the end the reply once more. Each is told
once, from wherever it stands first. Citations, search queries and the echoed history have no place in a chat and fall away.

Source: whole replies as recorded and as techthoughts2/pwshBedrock reads them; the events as Cohere's own SDK reads them on
Bedrock (cohere-ai/cohere-python, aws_client and types of chat_*_event); the page of AWS has the words in lower case, the
wire in upper. No stream has been recorded on Bedrock. Read 2026-11-27.
"""

import re

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from adapters.chat import ChatRequest
from adapters.deltas import Delta, Usage
from adapters.errors import MalformedReply
from adapters.family import Reader
from adapters.pieces import SILENCE, CallPiece, Envelope, Piece, PieceReader, Words

WORDS: Words = {
    "COMPLETE": "tool_calls",  # said of calls too; of a reply without one it means "stop"
    "TOOL_CALL": "tool_calls",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "ERROR_LIMIT": "length",  # the context is full
    "ERROR_TOXIC": "content_filter",
    "ERROR": None,
    "USER_CANCEL": None,
}
_FOREIGN = re.compile(r"[^a-zA-Z0-9]")


class Tokens(Struct, frozen=True):
    input_tokens: float | None = None
    output_tokens: float | None = None


class Meta(Struct, frozen=True):
    """What Cohere counts: ``tokens`` as the model saw them, ``billed_units`` without its own control tokens."""

    tokens: Tokens | None = None
    billed_units: Tokens | None = None


class Call(Struct, frozen=True):
    name: str | None = None
    parameters: msgspec.Raw = msgspec.Raw(b"{}")


class CallDelta(Struct, frozen=True):
    """Some of a call; ``text`` is some of the plan that the model makes before it calls."""

    index: float | None = None
    name: str | None = None
    parameters: str | None = None
    text: str | None = None


class Whole(Envelope, frozen=True):
    """A whole reply, and what ``stream-end`` has as its ``response``."""

    text: str | None = None
    generation_id: str | None = None
    finish_reason: str | None = None
    tool_calls: list[Call] | None = None
    meta: Meta | None = None


class Event(Whole, frozen=True):
    """One event of a stream; without an ``event_type`` it is a whole reply."""

    event_type: str | None = None
    tool_call_delta: CallDelta | None = None
    response: Whole | None = None


_decode = msgspec.json.Decoder(Event).decode


def decode(body: bytes, _request: ChatRequest, counts: Usage | None) -> list[Delta]:
    """A whole reply."""
    events = Events(counted=counts is not None)
    return PieceReader(events.piece, WORDS).whole(events.piece(body), counts)


def reader(_request: ChatRequest) -> Reader:
    """A reader of events, or of the one chunk that is a whole body."""
    return PieceReader(Events().piece, WORDS)


class Events:
    """What one reply says, event by event; remembers what has been told.

    Args:
        counted: The tokens are known already, from the headers. Cohere's own count stands in only where Bedrock's is missing.
    """

    __slots__ = ("_called", "_counted", "_generation", "_spoken")

    def __init__(self, *, counted: bool = False) -> None:
        self._counted = counted
        self._generation = ""
        self._spoken = False
        self._called = False

    def piece(self, native: bytes) -> Piece:
        """What one event adds.

        Raises:
            MalformedReply: It is none of Cohere's.
        """
        try:
            event = _decode(native)
        except (ValueError, RecursionError) as error:
            raise MalformedReply("the reply is not one of Command R's") from error
        self._generation = event.generation_id or self._generation
        said = self._said(event)
        if event.metrics is None and event.guardrail is None:
            return said
        return replace(said, metrics=event.metrics, guardrail=event.guardrail)

    def _said(self, event: Event) -> Piece:
        match event.event_type:
            case "text-generation":
                return Piece(text=self._text(event.text))
            case "tool-calls-chunk":
                return self._delta(event, event.tool_call_delta or CallDelta())
            case "tool-calls-generation":
                return self._rest(event)
            case "stream-end":
                return self._end(event, event.response or Whole())
            case None:
                return self._end(event, event)
            case _:  # stream-start, citation-generation, search-…: nothing of the answer
                return SILENCE

    def _text(self, text: str | None) -> str:
        self._spoken = self._spoken or bool(text)
        return text or ""

    def _delta(self, event: Event, delta: CallDelta) -> Piece:
        text = self._text(event.text or delta.text)
        if delta.index is None or (delta.name is None and delta.parameters is None):
            return Piece(text=text)
        self._called = True
        return Piece(text=text, calls=(CallPiece(delta.index, self._id(delta.index), delta.name, delta.parameters),))

    def _rest(self, reply: Whole) -> Piece:
        """Of a text and of calls that are told whole, what has not been told in pieces."""
        text = reply.text if not self._spoken else None
        calls = reply.tool_calls if not self._called else None
        self._spoken = self._spoken or bool(text)
        self._called = self._called or bool(calls)
        return Piece(
            text=text,
            calls=[CallPiece(index, self._id(index), call.name, _arguments(call)) for index, call in enumerate(calls or ())],
        )

    def _end(self, event: Event, reply: Whole) -> Piece:
        self._generation = reply.generation_id or self._generation
        reason = event.finish_reason or reply.finish_reason
        if reason is None and event.event_type is not None:
            reason = ""
        tokens = self._tokens(event, reply)
        return replace(
            self._rest(reply),
            reason=reason.upper() if reason is not None else None,
            input_tokens=tokens.input_tokens,
            output_tokens=tokens.output_tokens,
        )

    def _tokens(self, event: Event, reply: Whole) -> Tokens:
        meta = reply.meta
        if self._counted or event.metrics is not None or meta is None:
            return Tokens()
        return meta.tokens or meta.billed_units or Tokens()

    def _id(self, index: float) -> str | None:
        """Command R's calls have no id. One made of the reply's own is another in every turn, and the same whole or streamed."""
        generation = _FOREIGN.sub("", self._generation)[:24]
        return f"call_{generation}_{int(index)}" if generation else None


def _arguments(call: Call) -> str:
    arguments = bytes(call.parameters)
    if arguments == b"null":
        return "{}"
    if not arguments.startswith(b"{"):
        raise MalformedReply("a tool call's parameters are no object")
    return msgspec.json.format(arguments, indent=-1).decode()
