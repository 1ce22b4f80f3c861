"""Deltas into the output items of one response, and the events that tell of them on the way. Knows no bytes and no clock.

A whole reply and a stream are built by the same steps, so they cannot come to differ. One item is open at a time: the next
begins when it is done, as OpenAI's clients expect.
"""

from collections.abc import Callable, Sequence
from itertools import groupby

from adapters.deltas import (
    Delta,
    Finish,
    Logprobs,
    Reasoning,
    ReasoningSignature,
    RedactedReasoning,
    Text,
    TokenLogprob,
    ToolCallArguments,
    ToolCallStart,
    Usage,
)
from adapters.errors import MalformedReply
from gateway.call import Call
from gateway.surface.openai.logprobs import gathered
from gateway.surface.openai.responses.open_items import OpenCall, OpenMessage, OpenThought, Place
from gateway.surface.openai.responses.parse import notes_of
from gateway.surface.openai.wire.responses.events import ResponseEvent
from gateway.surface.openai.wire.responses.reply import OutputItem, Status


def to_nobody(_: ResponseEvent) -> None:
    """Takes the events of a reply that is not streamed."""


class Output:
    """The output of one response in the making.

    Attributes:
        items: Those that are done.
        finish, usage: The reply's, once they are known.
        shown_reasoning: Characters of the thoughts that could be read.
    """

    def __init__(self, call: Call, emit: Callable[[ResponseEvent], None] = to_nobody) -> None:
        """Nothing is said yet; ``emit`` takes each event."""
        self.items: list[OutputItem] = []
        self.finish: Finish | None = None
        self.usage: Usage | None = None
        self.shown_reasoning = 0
        self._emit = emit
        self._request_id = call.id
        self._encrypted = notes_of(call).encrypted
        self._logprobs = bool(call.request.sampling.logprobs)
        self._told = 0
        self._open: OpenMessage | OpenThought | OpenCall | None = None

    def tell(self, kind: Callable[..., ResponseEvent], *fields: object) -> None:
        """Emit an event of this kind, with the next number."""
        self._emit(kind(self._told, *fields))
        self._told += 1

    def take(self, deltas: Sequence[Delta]) -> None:
        """One batch.

        Raises:
            MalformedReply: Arguments for a call that is not open.
        """
        if not self._logprobs:
            for delta in deltas:
                self._take(delta)
            return
        for _, run in groupby(deltas, key=lambda delta: isinstance(delta, Text | Logprobs)):
            tokens, text, others = gathered(list(run))
            if tokens:
                self._say(text, tokens)
            for delta in others:
                self._take(delta)

    def end(self) -> Finish:
        """There is nothing more to come: close what is open, and say why. An answer of nothing is an empty message.

        Raises:
            MalformedReply: The reply never finished.
        """
        if self.finish is None:
            raise MalformedReply("the reply has no finish reason")
        if self._open is None and not self.items:
            self._open = OpenMessage(self._place())
        self._close("completed" if self.finish.reason in {"stop", "tool_calls"} else "incomplete")
        return self.finish

    def _take(self, delta: Delta) -> None:
        match delta:
            case Text(text=text) if text:
                self._say(text)
            case Reasoning(text=text) if text:
                self._thought().add(text)
                self.shown_reasoning += len(text)
            case ReasoningSignature():
                self._thought().signature = delta.signature
                self._close()
            case RedactedReasoning():
                self._close()
                self._thought().redacted = delta.data
                self._close()
            case ToolCallStart():
                self._close()
                self._open = OpenCall(self._place(), call=delta.index, call_id=delta.id, name=delta.name)
            case ToolCallArguments(arguments=arguments) if arguments:
                self._call(delta.index).add(arguments)
            case Finish():
                self.finish = delta  # held until the end: a family may still send text, or its usage, after its stop reason
            case Usage():
                self.usage = delta

    def _say(self, text: str, tokens: Sequence[TokenLogprob] = ()) -> None:
        if not isinstance(self._open, OpenMessage):
            self._close()
            self._open = OpenMessage(self._place())
        self._open.add(text, tokens)

    def _thought(self) -> OpenThought:
        if not isinstance(self._open, OpenThought):
            self._close()
            self._open = OpenThought(self._place(), encrypted=self._encrypted)
        return self._open

    def _call(self, index: int) -> OpenCall:
        if isinstance(self._open, OpenCall) and self._open.call == index:
            return self._open
        raise MalformedReply("the reply goes back to a tool call that it had left")

    def _close(self, status: Status = "completed") -> None:
        if self._open is not None:
            self.items.append(self._open.close(status))
            self._open = None

    def _place(self) -> Place:
        return Place(len(self.items), self._request_id, self.tell)
