"""Answers in JSON from families that have tools and no field for it: a tool that the caller never sees. Knows no native body.

The wanted schema becomes one more tool's parameters, and what the model calls it with is told as the text of the answer. A
family that does so says ``response_format`` in ``accepts`` and in ``emulates``, and has three lines to write:

- ``encode`` begins with ``request = hide(request)``;
- ``decode`` ends with ``revealed(deltas, request)``, ``reader`` with ``revealing(reader, request)``: of the request as it
  was given, not of the one with the tool in it. Stop strings of ours go around that, since they are looked for in the answer.

A caller without tools gets its answer by force: the tool has to be called. Beside tools of the caller's own it is offered
and the model told to end with it; their calls come through untouched (OpenAI takes both in one request, too).
"""

from collections.abc import Iterator

from msgspec.structs import replace

from adapters.chat import ChatRequest, Message, Text, ToolChoice, ToolSpec
from adapters.deltas import Delta, Finish, ToolCallArguments, ToolCallStart, Usage
from adapters.deltas import Text as TextDelta
from adapters.errors import InvalidParameter
from adapters.stopping import Counting

NAME = "final_answer"
DESCRIPTION = "Gives the final answer to the user. Its arguments are the whole answer; nothing else is read."
INSTRUCTION = (
    'When you are ready to answer, call the tool "{}" once, with your whole answer as its arguments, and write no other text.'
)


def hidden_tool(request: ChatRequest) -> ToolSpec | None:
    """The tool by which this request is answered, always the same for the same request; ``None`` where none is needed.

    None is needed for an answer in prose, nor where the caller demands a call of its own tools: then that call is the answer.

    Raises:
        InvalidParameter: The schema is not one of an object, and a tool's arguments are always one.
    """
    wanted = request.response_format
    if wanted is None or wanted.kind == "text":
        return None
    if request.tools and request.tool_choice is not None and request.tool_choice.mode in {"required", "named"}:
        return None
    schema = wanted.schema or {}
    stated = schema.get("type", "object")
    if stated != "object" and not (isinstance(stated, list) and "object" in stated):
        where = "response_format.json_schema.schema"
        raise InvalidParameter(f'{where} must be of type "object": a tool\'s arguments are one', parameter=where)
    return ToolSpec(_free_name(request), _description(wanted.name), {**schema, "type": "object"}, wanted.strict)


def hide(request: ChatRequest, *, can_force: bool = True) -> ChatRequest:
    """The request with the hidden tool in it, to be encoded; the request itself where none is needed.

    ``response_format`` is gone from it. Where the tool can be forced, it is the named choice; else an instruction stands
    after the caller's own system messages, and the choice stays the caller's.

    Args:
        can_force: Whether the family can name the tool to be called (Claude cannot while it thinks, Command R never).

    Raises:
        InvalidParameter: See ``hidden_tool``.
    """
    tool = hidden_tool(request)
    if tool is None:
        return replace(request, response_format=None) if request.response_format is not None else request
    choice = request.tool_choice
    # With none of the caller's tools to be called, the answer is all that can come.
    only_answer = not request.tools or (choice is not None and choice.mode == "none")
    if only_answer and can_force:
        return replace(
            request,
            tools=(*request.tools, tool),
            tool_choice=ToolChoice("named", tool.name),
            parallel_tool_calls=False,
            response_format=None,
        )
    return replace(
        request,
        messages=tuple(_instructed(request.messages, INSTRUCTION.format(tool.name))),
        tools=(tool,) if only_answer else (*request.tools, tool),
        tool_choice=None if only_answer else choice,
        response_format=None,
    )


def revealed(deltas: list[Delta], request: ChatRequest) -> list[Delta]:
    """A whole reply as the caller sees it: the hidden call's arguments are its text."""
    tool = hidden_tool(request)
    return Curtain(tool.name).through(deltas) if tool is not None else deltas


def revealing(reader: Counting, request: ChatRequest) -> Counting:
    """The reader itself, or one that tells the hidden call's arguments as text, as they come."""
    tool = hidden_tool(request)
    return RevealingReader(reader, tool.name) if tool is not None else reader


class Curtain:
    """Lets deltas through, in order, with the hidden call turned into text. Whole and streamed replies pass the same one.

    - The answer is the first hidden call, if it comes before any call of the caller's; text around it is no part of it.
    - After a call of the caller's the model waits for a result: a hidden call that comes with it would be an answer given
      too early, and is not told.
    - Text waits until it is known whether it is the answer: until a call of the caller's, or the end.
    """

    __slots__ = ("_answer", "_calls", "_decided", "_held", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._held: list[Delta] = []
        self._decided = False  # whether text is the answer
        self._answer: int | None = None  # the upstream's index of the hidden call that is told
        self._calls: dict[int, int] = {}  # the upstream's index of a call of the caller's -> its index without ours

    def through(self, deltas: list[Delta]) -> list[Delta]:
        """What the caller sees of these."""
        passed: list[Delta] = []
        for delta in deltas:
            match delta:
                case TextDelta():
                    self._text(delta, passed)
                case ToolCallStart():
                    self._start(delta, passed)
                case ToolCallArguments():
                    self._arguments(delta, passed)
                case Finish():
                    self._release(passed)
                    passed.append(self._finish(delta))
                case _:
                    passed.append(delta)
        return passed

    def _text(self, text: TextDelta, passed: list[Delta]) -> None:
        if not self._decided:
            self._held.append(text)
        elif self._answer is None:
            passed.append(text)

    def _start(self, call: ToolCallStart, passed: list[Delta]) -> None:
        if call.name != self._name:
            self._release(passed)
            self._calls[call.index] = len(self._calls)
            passed.append(ToolCallStart(self._calls[call.index], call.id, call.name))
        elif not self._decided:
            self._decided = True
            self._answer = call.index
            self._held = []

    def _release(self, passed: list[Delta]) -> None:
        self._decided = True
        passed += self._held
        self._held = []

    def _arguments(self, more: ToolCallArguments, passed: list[Delta]) -> None:
        if more.index == self._answer:
            passed.append(TextDelta(more.arguments))
        elif more.index in self._calls:
            passed.append(ToolCallArguments(self._calls[more.index], more.arguments))

    def _finish(self, finish: Finish) -> Finish:
        """``tool_calls`` is what the model says of the hidden call; to the caller it is an answer that has ended."""
        if finish.reason == "tool_calls" and not self._calls:
            return replace(finish, reason="stop")
        return finish


class RevealingReader:
    """Reads one streamed reply through a ``Curtain``."""

    __slots__ = ("_curtain", "_reader")

    def __init__(self, reader: Counting, name: str) -> None:
        self._reader = reader
        self._curtain = Curtain(name)

    @property
    def cut(self) -> bool:
        """As the model's own reader says."""
        return self._reader.cut

    def read(self, chunk: bytes) -> list[Delta]:
        """See ``adapters.family.Reader``."""
        return self._curtain.through(self._reader.read(chunk))

    def end(self) -> list[Delta]:
        """See ``adapters.family.Reader``."""
        return self._curtain.through(self._reader.end())

    def counted(self) -> Usage | None:
        """See ``adapters.stopping.Counting``."""
        return self._reader.counted()


def _free_name(request: ChatRequest) -> str:
    """A name that neither the caller's tools have nor the calls of earlier turns."""
    taken = {tool.name for tool in request.tools}
    taken.update(call.name for message in request.messages for call in message.tool_calls)
    name, number = NAME, 2
    while name in taken:
        name, number = f"{NAME}_{number}", number + 1
    return name


def _description(name: str | None) -> str:
    return f"{DESCRIPTION} The answer is called {name}." if name else DESCRIPTION


def _instructed(messages: tuple[Message, ...], instruction: str) -> Iterator[Message]:
    """The messages, with the instruction after the system messages that they begin with."""
    leading = next((place for place, message in enumerate(messages) if message.role != "system"), len(messages))
    yield from messages[:leading]
    yield Message("system", (Text(instruction),))
    yield from messages[leading:]
