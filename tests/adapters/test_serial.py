"""One call at a time, on a model's behalf."""

import pytest

from adapters.chat import ChatRequest, Message, Text, ToolSpec
from adapters.deltas import Delta, Finish, ToolCallArguments, ToolCallStart, Usage
from adapters.deltas import Text as TextDelta
from adapters.serial import first_call, first_calling

HI = (Message("user", (Text("Hi"),)),)
CLOCK = (ToolSpec("clock", None, {}),)
SERIAL = ChatRequest(HI, tools=CLOCK, parallel_tool_calls=False)
TOLD: list[Delta] = [
    TextDelta("Let me look."),
    ToolCallStart(0, "a", "clock"),
    ToolCallArguments(0, '{"zone":'),
    ToolCallStart(1, "b", "clock"),
    ToolCallArguments(0, '"WET"}'),
    ToolCallArguments(1, "{}"),
    Finish("tool_calls"),
    Usage(5, 2),
]
FIRST = [TOLD[0], TOLD[1], TOLD[2], TOLD[4], *TOLD[6:]]


class Script:
    """A reader that tells one delta a chunk, and the last at the end."""

    cut = False

    def read(self, chunk: bytes) -> list[Delta]:
        return [TOLD[int(chunk)]]

    def end(self) -> list[Delta]:
        return TOLD[-1:]

    def counted(self) -> Usage | None:
        return Usage(5, 1)


def test_the_first_call_alone() -> None:
    """Whole and streamed alike, however the calls are interleaved; the usage is what was consumed."""
    reader = first_calling(Script(), SERIAL)
    streamed = [delta for place in range(len(TOLD) - 1) for delta in reader.read(b"%d" % place)] + reader.end()

    assert first_call(TOLD, SERIAL) == streamed == FIRST
    assert (reader.cut, reader.counted()) == (False, Usage(5, 1))


@pytest.mark.parametrize(
    "request_",
    [ChatRequest(HI), ChatRequest(HI, tools=CLOCK), ChatRequest(HI, tools=CLOCK, parallel_tool_calls=True)],
    ids=["no tools", "unsaid", "wanted"],
)
def test_parallel_calls_pass(request_: ChatRequest) -> None:
    """Nothing stands between where nothing was asked."""
    script = Script()

    assert first_call(TOLD, request_) is TOLD
    assert first_calling(script, request_) is script
