"""Stop strings honoured on a model's behalf: a reader around a reader. Knows deltas, and no native body."""

from collections.abc import Sequence
from typing import Protocol

from adapters.deltas import Delta, Finish, Text, ToolCallStart, Usage
from adapters.family import Reader
from adapters.prompts.stop import StopBuffer


class Counting(Reader, Protocol):
    """A reader that can say in the middle of a reply what has been consumed so far."""

    def counted(self) -> Usage | None:
        """The upstream's figures up to now; ``None`` while it has not stated both."""
        ...


def stopping(reader: Counting, stops: Sequence[str]) -> Reader:
    """The reader itself, or one that ends the reply at the first of ``stops``."""
    return StoppingReader(reader, stops) if stops else reader


def stopped(deltas: list[Delta], stops: Sequence[str]) -> list[Delta]:
    """A whole reply, ended at the first of ``stops``; its usage stays, since all of it was generated."""
    return Stops(stops).through(deltas) if stops else deltas


class Stops:
    """Lets deltas through up to the first stop string; then says why it ended in the model's stead, once.

    That is ``stop``, or ``tool_calls`` where a call came before: the caller is to answer it.
    """

    __slots__ = ("_buffer", "_has_calls", "hit")

    def __init__(self, stops: Sequence[str]) -> None:
        self.hit = False
        self._has_calls = False
        self._buffer = StopBuffer(stops)

    def through(self, deltas: list[Delta]) -> list[Delta]:
        """What the caller may see of these. A tail that may still become a stop string waits for the next ones."""
        passed: list[Delta] = []
        for delta in deltas:
            if type(delta) is Text:
                shown, self.hit = self._buffer.push(delta.text)
            elif type(delta) is Finish:
                shown, self.hit = self._buffer.flush()
            else:
                self._has_calls = self._has_calls or type(delta) is ToolCallStart
                passed.append(delta)
                continue
            if shown:
                passed.append(Text(shown))
            if self.hit:
                return [*passed, *_ending(deltas, self._buffer.met, has_calls=self._has_calls)]
            if type(delta) is Finish:
                passed.append(delta)
        return passed


def _ending(deltas: list[Delta], met: str | None, *, has_calls: bool) -> list[Delta]:
    """The reason, and the count if the upstream gave it in the same breath. A guardrail's word stands above ours."""
    ending: list[Delta] = [delta for delta in deltas if type(delta) is Usage]
    blocked = (delta for delta in deltas if type(delta) is Finish and delta.reason == "content_filter")
    return [next(blocked, Finish("tool_calls" if has_calls else "stop", stop=met)), *ending]


class StoppingReader:
    """Reads one streamed reply and is ``cut`` at the first stop string."""

    __slots__ = ("_reader", "_stops")

    def __init__(self, reader: Counting, stops: Sequence[str]) -> None:
        self._reader = reader
        self._stops = Stops(stops)

    @property
    def cut(self) -> bool:
        """True from the stop string on."""
        return self._stops.hit

    def read(self, chunk: bytes) -> list[Delta]:
        """See ``adapters.family.Reader``."""
        return [] if self._stops.hit else self._pass(self._reader.read(chunk))

    def end(self) -> list[Delta]:
        """See ``adapters.family.Reader``."""
        return [] if self._stops.hit else self._pass(self._reader.end())

    def _pass(self, deltas: list[Delta]) -> list[Delta]:
        passed = self._stops.through(deltas)
        if self._stops.hit and type(passed[-1]) is not Usage and (usage := self._reader.counted()) is not None:
            passed.append(usage)
        return passed
