"""Output items while they are being made: a message, a thought, a call. Each tells its events from its first to its last.

Knows wire items and events, and no delta.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from adapters.deltas import Thought, TokenLogprob
from gateway.surface.openai.logprobs import listed
from gateway.surface.openai.responses.thoughts import packed
from gateway.surface.openai.wire.responses import events, reply
from gateway.surface.openai.wire.responses.items import ReasoningPart
from gateway.surface.openai.wire.responses.reply import Status

Tell = Callable[..., None]
"""Takes the kind of an event, and its fields in order, but for its number."""


class Place(NamedTuple):
    """Where an item is: its place among the output, and the request's id, which every item's id holds."""

    at: int
    request_id: str
    tell: Tell

    def id(self, kind: str) -> str:
        """The item's id."""
        return f"{kind}_{self.request_id}_{self.at}"


class OpenMessage:
    """What the model is saying: one part, which is text."""

    def __init__(self, place: Place) -> None:
        self._index, self._tell, self._id = place.at, place.tell, place.id("msg")
        self._text: list[str] = []
        self._tokens: list[TokenLogprob] = []
        self._tell(events.ItemAdded, self._index, reply.OutputMessage(self._id, "in_progress", []))
        self._tell(events.PartAdded, self._id, self._index, 0, reply.SaidText(""))

    def add(self, text: str, tokens: Sequence[TokenLogprob] = ()) -> None:
        """Some more of it, with the log probabilities of its tokens."""
        self._text.append(text)
        self._tokens += tokens
        self._tell(events.TextDelta, self._id, self._index, 0, text, listed(tokens))

    def close(self, status: Status) -> reply.OutputMessage:
        """The message is over."""
        text, logprobs = "".join(self._text), listed(self._tokens)
        part = reply.SaidText(text, logprobs=logprobs)
        self._tell(events.TextDone, self._id, self._index, 0, text, logprobs)
        self._tell(events.PartDone, self._id, self._index, 0, part)
        item = reply.OutputMessage(self._id, status, [part])
        self._tell(events.ItemDone, self._index, item)
        return item


class OpenThought:
    """What the model is thinking.

    Attributes:
        signature, redacted: What the family gave for it; see ``adapters.deltas.Thought``.
    """

    def __init__(self, place: Place, *, encrypted: bool) -> None:
        """``encrypted``: whether the item shall hold what a later turn needs."""
        self.signature: str | None = None
        self.redacted: str | None = None
        self._index, self._tell, self._id = place.at, place.tell, place.id("rs")
        self._encrypted = encrypted
        self._text: list[str] = []
        self._tell(events.ItemAdded, self._index, reply.OutputReasoning(self._id, "in_progress", []))

    def add(self, text: str) -> None:
        """Some more of it. What only the model can read has no part."""
        if not self._text:
            self._tell(events.PartAdded, self._id, self._index, 0, ReasoningPart(""))
        self._text.append(text)
        self._tell(events.ReasoningDelta, self._id, self._index, 0, text)

    def close(self, status: Status) -> reply.OutputReasoning:
        """The thought is over."""
        text = "".join(self._text)
        if text:
            self._tell(events.ReasoningDone, self._id, self._index, 0, text)
            self._tell(events.PartDone, self._id, self._index, 0, ReasoningPart(text))
        content = packed(Thought(text, self.signature, self.redacted)) if self._encrypted else None
        item = reply.OutputReasoning(self._id, status, [ReasoningPart(text)] if text else [], content)
        self._tell(events.ItemDone, self._index, item)
        return item


class OpenCall:
    """A call that the model is making.

    Attributes:
        call: Its number among the reply's calls.
    """

    def __init__(self, place: Place, *, call: int, call_id: str, name: str) -> None:
        self.call = call
        self._index, self._tell, self._id = place.at, place.tell, place.id("fc")
        self._call_id, self._name = call_id, name
        self._arguments: list[str] = []
        self._tell(events.ItemAdded, self._index, self._item("in_progress"))

    def add(self, arguments: str) -> None:
        """Some more of its arguments."""
        self._arguments.append(arguments)
        self._tell(events.ArgumentsDelta, self._id, self._index, arguments)

    def close(self, status: Status) -> reply.OutputCall:
        """The call is complete; without any arguments they are an empty object."""
        if not self._arguments:
            self.add("{}")
        item = self._item(status)
        self._tell(events.ArgumentsDone, self._id, self._index, item.arguments)
        self._tell(events.ItemDone, self._index, item)
        return item

    def _item(self, status: Status) -> reply.OutputCall:
        return reply.OutputCall(self._id, status, self._call_id, self._name, "".join(self._arguments))
