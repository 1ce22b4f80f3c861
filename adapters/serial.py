"""``parallel_tool_calls: false`` honoured on a model's behalf: of the calls in a reply the caller sees the first. Knows no body.

For families whose body cannot ask for it. The model may have called more; what it called is paid for, and told nobody: a
caller that wants one call at a time asks again with the first one's result, as it would of a model that can be told.
"""

from adapters.chat import ChatRequest
from adapters.deltas import Delta, ToolCallArguments, ToolCallStart, Usage
from adapters.stopping import Counting


def first_call(deltas: list[Delta], request: ChatRequest) -> list[Delta]:
    """A whole reply as the caller wants it: all of its calls, or only the first."""
    return _without_later_calls(deltas) if _is_wanted(request) else deltas


def first_calling(reader: Counting, request: ChatRequest) -> Counting:
    """The reader itself, or one that tells nothing of any call but the first."""
    return SerialReader(reader) if _is_wanted(request) else reader


def _is_wanted(request: ChatRequest) -> bool:
    return request.parallel_tool_calls is False and bool(request.tools)


def _without_later_calls(deltas: list[Delta]) -> list[Delta]:
    return [delta for delta in deltas if not (isinstance(delta, ToolCallStart | ToolCallArguments) and delta.index > 0)]


class SerialReader:
    """Reads one streamed reply as if the model had made one call."""

    __slots__ = ("_reader",)

    def __init__(self, reader: Counting) -> None:
        self._reader = reader

    @property
    def cut(self) -> bool:
        """As the model's own reader says."""
        return self._reader.cut

    def read(self, chunk: bytes) -> list[Delta]:
        """See ``adapters.family.Reader``."""
        return _without_later_calls(self._reader.read(chunk))

    def end(self) -> list[Delta]:
        """See ``adapters.family.Reader``."""
        return _without_later_calls(self._reader.end())

    def counted(self) -> Usage | None:
        """See ``adapters.stopping.Counting``."""
        return self._reader.counted()
