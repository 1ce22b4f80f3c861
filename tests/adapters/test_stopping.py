"""Stop strings honoured around a reader."""

from adapters.deltas import Delta, Finish, Text, ToolCallStart, Usage
from adapters.stopping import StoppingReader, stopped, stopping


class Script:
    """A reader whose chunks are numbers: each says what the script holds at that place."""

    cut = False

    def __init__(self, *script: list[Delta]) -> None:
        self.script = script
        self.asked = 0

    def read(self, chunk: bytes) -> list[Delta]:
        self.asked += 1
        return self.script[int(chunk)]

    def end(self) -> list[Delta]:
        return [Usage(1, 9)]

    def counted(self) -> Usage | None:
        return Usage(1, self.asked)


def test_without_stop_strings_nothing_stands_between():
    """No stop strings, no cost: the reader itself."""
    script = Script()

    assert stopping(script, ()) is script
    assert stopped([Text("a")], ()) == [Text("a")]


def test_a_stop_string_over_two_chunks_ends_the_reply():
    """Text up to it, ``stop``, what was consumed so far; nothing more is asked of the model's reader."""
    script = Script([Text("ab EN")], [Text("D cd"), ToolCallStart(0, "call_1", "f")], [Text("ef")])
    reader = StoppingReader(script, ["END"])

    assert reader.read(b"0") == [Text("ab ")]
    assert not reader.cut
    assert reader.read(b"1") == [Finish("stop", stop="END"), Usage(1, 2)]
    assert reader.cut
    assert reader.read(b"2") == reader.end() == []
    assert script.asked == 2


def test_a_usage_in_the_same_breath_is_the_better_one():
    """Figures that come with the stop string stand, and come once."""
    reader = StoppingReader(Script([Text("a END"), Finish("length", "length"), Usage(1, 7)]), ["END"])

    assert reader.read(b"0") == [Text("a "), Finish("stop", stop="END"), Usage(1, 7)]


def test_what_was_held_comes_before_the_reason():
    """A tail that turned out to be no stop string is shown when the model ends, before it says why."""
    reader = StoppingReader(Script([Text("the EN")], [Finish("length", "length")]), ["END"])

    assert reader.read(b"0") == [Text("the ")]
    assert reader.read(b"1") == [Text("EN"), Finish("length", "length")]
    assert reader.end() == [Usage(1, 9)]
    assert not reader.cut


def test_a_stop_string_that_only_the_end_decides():
    """The earlier of two overlapping stop strings never completed, so at the end the later one counts."""
    reader = StoppingReader(Script([Text("xabc")], [Finish("length", "length")]), ["abcd", "bc"])

    assert reader.read(b"0") == [Text("x")]
    assert reader.read(b"1") == [Text("a"), Finish("stop", stop="bc"), Usage(1, 2)]
    assert reader.cut


def test_a_guardrail_stands_above_a_stop_string():
    """A blocked answer that happens to hold a stop string is still told as blocked."""
    blocked = [Text("No. END"), Finish("content_filter", "INTERVENED"), Usage(1, 2)]

    assert stopped(blocked, ["END"]) == [Text("No. "), Finish("content_filter", "INTERVENED"), Usage(1, 2)]


def test_a_call_before_the_stop_string_is_still_to_be_answered():
    """The words behind a call may end early; that a call was made is what the caller has to know."""
    made = [ToolCallStart(0, "call_1", "f"), Text(" a END"), Finish("length", "length")]

    assert stopped(made, ["END"]) == [ToolCallStart(0, "call_1", "f"), Text(" a "), Finish("tool_calls", stop="END")]
