"""Deltas as numbered blocks that open, grow and close: what the protocols have in common whose replies are made of blocks.

Knows deltas and no wire. Blocks are numbered as they open and close in that order; only one is open at a time.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

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


class Opened(NamedTuple):
    """A block begins.

    Attributes:
        call: What is called, of a ``call``.
        sealed: All of a ``redacted`` thought, which never grows.
    """

    number: int
    kind: Literal["text", "thought", "redacted", "call"]
    call: ToolCallStart | None = None
    sealed: str = ""


class Grown(NamedTuple):
    """Some more of a block: of its text, its thought, the seal over that, or the JSON text of its arguments."""

    number: int
    what: Literal["text", "thought", "signature", "arguments"]
    more: str


class Closed(NamedTuple):
    """A block ends."""

    number: int


Step = Opened | Grown | Closed


class Blocks:
    """Tells the deltas of one reply as steps.

    Attributes:
        finish, usage: Held until the end: families send them in either order, and text may still come in between.
    """

    __slots__ = ("_bare", "_calls", "_kind", "_latest", "finish", "usage")

    def __init__(self) -> None:
        self.finish: Finish | None = None
        self.usage: Usage | None = None
        self._latest = -1
        self._kind: str | None = None  # of the block that is open
        self._bare = False  # an open call without arguments yet
        self._calls: dict[int, int] = {}  # a call's place among the calls -> its block's among the blocks

    def tell(self, delta: Delta) -> Iterator[Step]:
        """The steps of one delta, perhaps none."""
        match delta:
            case Text(text=text) if text:
                yield from self._into("text")
                yield Grown(self._latest, "text", text)
            case Reasoning(text=text) if text:
                yield from self._into("thought")
                yield Grown(self._latest, "thought", text)
            case ReasoningSignature(signature=signature):
                yield from self._into("thought")
                yield Grown(self._latest, "signature", signature)
                yield from self.close()
            case RedactedReasoning(data=data):
                yield from self._open(Opened(self._latest + 1, "redacted", sealed=data))
                yield from self.close()
            case ToolCallStart():
                yield from self._open(Opened(self._latest + 1, "call", delta))
                self._bare = True
                self._calls[delta.index] = self._latest
            case ToolCallArguments(arguments=arguments) if arguments:
                number = self._calls[delta.index]
                self._bare = self._bare and number != self._latest
                yield Grown(number, "arguments", arguments)
            case Finish():
                self.finish = delta
            case Usage():
                self.usage = delta

    def close(self) -> Iterator[Step]:
        """The end of the block that is open, if one is. A call without arguments has ``{}``."""
        if self._kind is None:
            return
        if self._bare:
            self._bare = False
            yield Grown(self._latest, "arguments", "{}")
        self._kind = None
        yield Closed(self._latest)

    def _into(self, kind: Literal["text", "thought"]) -> Iterator[Step]:
        if self._kind != kind:
            yield from self._open(Opened(self._latest + 1, kind))

    def _open(self, opened: Opened) -> Iterator[Step]:
        yield from self.close()
        self._kind = opened.kind
        self._latest = opened.number
        yield opened
