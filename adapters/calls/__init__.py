"""Tool calls out of generated text, for models whose replies have no place of their own for them.

A filter over deltas: ``called`` for a whole reply, ``calling`` around a reader. Both say the same, however the text was
cut. Ordinary prose passes at once; text is held only while it may still become a call; a call that is broken off, badly
formed or for a tool that nobody offered is text again, to the letter.

    JSON         {"name": "f", "parameters": {"x": 1}}; {"name": "g", "parameters": {}}
    pythonic     [f(x=1), g()]
    with a mark  <|python_tag|>…   <function=f>{"x": 1}</function>   <tool_call>{…}</tool_call>   [TOOL_CALLS] [{…}]   …

The forms are a table in ``adapters.calls.forms``.
"""

from collections.abc import Iterator
from hashlib import blake2b

from msgspec.structs import replace

from adapters.calls.forms import Call
from adapters.calls.text import CallBuffer
from adapters.chat import ChatRequest
from adapters.deltas import Delta, Finish, Text, ToolCallArguments, ToolCallStart, Usage
from adapters.stopping import Counting


def offers(request: ChatRequest) -> bool:
    """Whether calls are to be looked for in the reply: tools are offered, and the caller does not forbid to call them."""
    return bool(request.tools) and (request.tool_choice is None or request.tool_choice.mode != "none")


def calling(reader: Counting, request: ChatRequest, begun: str = "") -> Counting:
    """The reader itself, or one that finds the calls in its text.

    Args:
        begun: The beginning of a call, which the prompt ends with and the model goes on from. It is never shown.
    """
    return CallingReader(reader, request, begun) if offers(request) else reader


def called(deltas: list[Delta], request: ChatRequest, begun: str = "") -> list[Delta]:
    """A whole reply, its calls found."""
    return Calls(request, begun).through(deltas) if offers(request) else deltas


def minted(request: ChatRequest, index: int, name: str, arguments: str) -> str:
    """The id of a call that came without one.

    The same reply to the same request has the same ids, and a conversation never sees one twice: how long it is goes in.
    """
    what = f"{len(request.messages)}\0{index}\0{name}\0{arguments}"
    return f"call_{blake2b(what.encode(), digest_size=12).hexdigest()}"


class Calls:
    """Lets deltas through, and makes calls of the text that is one.

    With ``parallel_tool_calls`` false the first call is the only one: that is what it asks for.
    """

    __slots__ = ("_begun", "_buffer", "_count", "_indexes", "_most", "_request", "_unsaid")

    def __init__(self, request: ChatRequest, begun: str = "") -> None:
        self._request = request
        self._begun = begun
        self._unsaid = len(begun)  # how much of what comes out first is not the model's
        self._buffer = CallBuffer(frozenset(tool.name for tool in request.tools))
        self._most = 1 if request.parallel_tool_calls is False else None
        self._indexes: dict[int, int] = {}  # of calls that the upstream found itself, to ours
        self._count = 0

    def through(self, deltas: list[Delta]) -> list[Delta]:
        """What the caller may see of these."""
        passed: list[Delta] = []
        for delta in deltas:
            match delta:
                case Text():
                    passed += self._told(self._buffer.push(self._begun + delta.text))
                    self._begun = ""
                case ToolCallStart():
                    self._indexes[delta.index] = self._count
                    passed.append(replace(delta, index=self._count))
                    self._count += 1
                case ToolCallArguments():
                    passed.append(replace(delta, index=self._indexes[delta.index]))
                case Finish():
                    passed += self._told(self._buffer.flush())
                    passed.append(replace(delta, reason="tool_calls") if self._count and delta.reason == "stop" else delta)
                case _:
                    passed.append(delta)
        return passed

    def _told(self, pieces: list[str | Call]) -> Iterator[Delta]:
        for piece in pieces:
            if isinstance(piece, str):
                said = piece[self._unsaid :]
                self._unsaid -= len(piece) - len(said)
                if said:
                    yield Text(said)
                continue
            self._unsaid = 0
            if self._most is None or self._count < self._most:
                name, arguments = piece
                yield ToolCallStart(self._count, minted(self._request, self._count, name, arguments), name)
                yield ToolCallArguments(self._count, arguments)
                self._count += 1


class CallingReader:
    """Reads one streamed reply and finds the calls in its text."""

    __slots__ = ("_calls", "_reader")

    def __init__(self, reader: Counting, request: ChatRequest, begun: str = "") -> None:
        self._reader = reader
        self._calls = Calls(request, begun)

    @property
    def cut(self) -> bool:
        """See ``adapters.family.Reader``."""
        return self._reader.cut

    def read(self, chunk: bytes) -> list[Delta]:
        """See ``adapters.family.Reader``."""
        return self._calls.through(self._reader.read(chunk))

    def end(self) -> list[Delta]:
        """See ``adapters.family.Reader``."""
        return self._calls.through(self._reader.end())

    def counted(self) -> Usage | None:
        """See ``adapters.stopping.Counting``."""
        return self._reader.counted()
