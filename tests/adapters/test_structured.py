"""Answers in JSON by a hidden tool: what is asked of the model, and what its caller sees of the reply."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.chat import ChatRequest, Message, ResponseFormat, Text, ToolCall, ToolChoice, ToolSpec
from adapters.deltas import AssembledCall, Delta, Finish, Reasoning, ToolCallArguments, ToolCallStart, Usage, assemble
from adapters.deltas import Text as TextDelta
from adapters.errors import InvalidParameter
from adapters.structured import NAME, Curtain, hidden_tool, hide, revealed, revealing

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CITY = ResponseFormat("json_schema", "city", SCHEMA, strict=True)
CLOCK = ToolSpec("clock", "The time", {"type": "object"})
HI = Message("user", (Text("Hi"),))
POLITE = Message("system", (Text("Be polite."),))


def asking(*messages: Message, **fields) -> ChatRequest:
    return ChatRequest(messages or (HI,), response_format=fields.pop("wanted", CITY), **fields)


def test_prose_needs_no_tool():
    """Without a format, or with the format of prose, nothing is added, and the reader stays itself."""
    script = Script()

    for wanted in (None, ResponseFormat("text")):
        request = asking(wanted=wanted, tools=(CLOCK,))
        assert hide(request) == ChatRequest((HI,), tools=(CLOCK,))
        assert revealing(script, request) is script
        assert revealed([TextDelta("a")], request) == [TextDelta("a")]


def test_without_tools_the_answer_is_forced():
    """One tool with the wanted schema, and the choice of it; the messages stay as they were."""
    request = hide(asking(POLITE, HI))

    (tool,) = request.tools
    assert (tool.name, tool.parameters, tool.strict) == (NAME, SCHEMA, True)
    assert request.tool_choice == ToolChoice("named", NAME)
    assert request.parallel_tool_calls is False
    assert request.messages == (POLITE, HI)
    assert request.response_format is None


def test_beside_tools_the_answer_is_offered():
    """Trap 16: the caller's tools come first, its choice and parallelity stay, and the model is told how to end."""
    for choice in (None, ToolChoice("auto")):
        request = hide(asking(POLITE, HI, tools=(CLOCK,), tool_choice=choice, parallel_tool_calls=True))

        assert [tool.name for tool in request.tools] == ["clock", NAME]
        assert request.tool_choice == choice
        assert request.parallel_tool_calls is True
        assert [message.role for message in request.messages] == ["system", "system", "user"]
        assert NAME in request.messages[1].text


@pytest.mark.parametrize("choice", [ToolChoice("required"), ToolChoice("named", "clock")])
def test_a_demanded_call_is_the_answer(choice):
    """Who demands a call of its own tools gets one, and no other tool that could be called instead."""
    request = asking(tools=(CLOCK,), tool_choice=choice)

    assert hide(request) == ChatRequest((HI,), tools=(CLOCK,), tool_choice=choice)
    assert hidden_tool(request) is None


def test_tools_that_may_not_be_called():
    """``none`` forbids the caller's tools, not the answer; their definitions stay for the calls of earlier turns."""
    request = hide(asking(tools=(CLOCK,), tool_choice=ToolChoice("none")))

    assert [tool.name for tool in request.tools] == ["clock", NAME]
    assert request.tool_choice == ToolChoice("named", NAME)


@pytest.mark.parametrize("tools", [(), (CLOCK,)])
def test_a_family_that_cannot_force(tools):
    """Then the tool is offered alone, and the model told."""
    request = hide(asking(tools=tools, tool_choice=ToolChoice("none") if tools else None), can_force=False)

    assert [tool.name for tool in request.tools] == [NAME]
    assert request.tool_choice is None
    assert NAME in request.messages[0].text


def test_the_name_is_nobody_elses():
    """Neither a tool of the caller's nor a call of an earlier turn has the hidden tool's name."""
    earlier = Message("assistant", tool_calls=(ToolCall("1", f"{NAME}_2", "{}"),))
    request = asking(HI, earlier, Message("tool", tool_call_id="1"), tools=(ToolSpec(NAME, None, {}), CLOCK))

    assert hide(request).tools[-1].name == f"{NAME}_3"


@pytest.mark.parametrize("stated", [{}, {"type": "object"}, {"type": ["object", "null"]}])
def test_any_object_will_do(stated):
    """``json_object`` asks for an object without saying which; a schema may leave its type to be guessed."""
    wanted = ResponseFormat("json_schema", "x", {**stated, "title": "X"})

    assert hidden_tool(asking(wanted=wanted)).parameters == {"title": "X", "type": "object"}
    assert hidden_tool(asking(wanted=ResponseFormat("json_object"))).parameters == {"type": "object"}


@pytest.mark.parametrize("stated", ["array", "string", ["array", "null"], 7, None])
def test_only_an_object_can_be_asked_for(stated):
    """A tool's arguments are an object, so another schema is refused by its place."""
    with pytest.raises(InvalidParameter) as refused:
        hide(asking(wanted=ResponseFormat("json_schema", "x", {"type": stated})))

    assert refused.value.parameter == "response_format.json_schema.schema"


ANSWER = [ToolCallStart(0, "t0", NAME), ToolCallArguments(0, '{"city":'), ToolCallArguments(0, '"Rome"}')]
CALL = [ToolCallStart(1, "t1", "clock"), ToolCallArguments(1, "{}")]
DONE = [Finish("tool_calls", "tool_use"), Usage(5, 9)]
SHOWN = [TextDelta('{"city":'), TextDelta('"Rome"}')]

REPLIES = {
    "the answer alone (trap 15)": ([*ANSWER, *DONE], [*SHOWN, Finish("stop", "tool_use"), Usage(5, 9)]),
    "words around it are no part of it": (
        [TextDelta("Here: "), Reasoning("hm"), *ANSWER, TextDelta(" Bye."), *DONE],
        [Reasoning("hm"), *SHOWN, Finish("stop", "tool_use"), Usage(5, 9)],
    ),
    "cut short": ([*ANSWER[:2], Finish("length", "max_tokens")], [SHOWN[0], Finish("length", "max_tokens")]),
    "a call of the caller's (trap 16)": (
        [TextDelta("Let me see."), *CALL, *DONE],
        [TextDelta("Let me see."), ToolCallStart(0, "t1", "clock"), ToolCallArguments(0, "{}"), *DONE],
    ),
    "the answer, then a call": (
        [*ANSWER, *CALL, *DONE],
        [*SHOWN, ToolCallStart(0, "t1", "clock"), ToolCallArguments(0, "{}"), *DONE],
    ),
    "an answer before the call's result is none": (
        [
            ToolCallStart(0, "t1", "clock"),
            ToolCallStart(1, "t0", NAME),
            ToolCallArguments(1, "{}"),
            ToolCallArguments(0, "{}"),
            *DONE,
        ],
        [ToolCallStart(0, "t1", "clock"), ToolCallArguments(0, "{}"), *DONE],
    ),
    "answered twice": (
        [*ANSWER, ToolCallStart(1, "t2", NAME), ToolCallArguments(1, "{}"), *DONE],
        [*SHOWN, Finish("stop", "tool_use"), Usage(5, 9)],
    ),
    "answered in words after all": (
        [TextDelta("It is "), TextDelta("Rome."), Finish("stop", "end_turn")],
        [TextDelta("It is "), TextDelta("Rome."), Finish("stop", "end_turn")],
    ),
    "blocked half way": ([*ANSWER[:2], Finish("content_filter", "x")], [SHOWN[0], Finish("content_filter", "x")]),
}


@pytest.mark.parametrize(("said", "seen"), REPLIES.values(), ids=REPLIES.keys())
def test_what_the_caller_sees(said, seen):
    """Whole, and streamed delta by delta, the caller sees the same; the hidden call is text, its own calls are untouched."""
    request = asking(tools=(CLOCK,))
    reader = revealing(Script(*([delta] for delta in said)), request)
    streamed = [delta for place in range(len(said)) for delta in reader.read(b"%d" % place)]

    assert revealed(said, request) == seen
    assert streamed == seen


class Script:
    """A reader whose chunks are numbers: each says what the script holds at that place."""

    cut = False

    def __init__(self, *script: list[Delta]) -> None:
        self.script = script

    def read(self, chunk: bytes) -> list[Delta]:
        return self.script[int(chunk)]

    def end(self) -> list[Delta]:
        return [Finish("stop"), Usage(1, 9)]

    def counted(self) -> Usage | None:
        return Usage(1, 2)


def test_the_reader_behind_it_is_asked_for_the_rest():
    """What was held comes at the end, if the model never called; counts and cuts are those of the model's own reader."""
    reader = revealing(Script([TextDelta("Rome")]), asking())

    assert reader.read(b"0") == []
    assert reader.end() == [TextDelta("Rome"), Finish("stop"), Usage(1, 9)]
    assert reader.counted() == Usage(1, 2)
    assert not reader.cut


PIECES = st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=4)
BLOCKS = st.lists(st.tuples(st.sampled_from(["text", "thought", NAME, "clock", "weather"]), PIECES), max_size=8)


def deltas_of(blocks: Sequence[tuple[str, Sequence[str]]]) -> list[Delta]:
    """The blocks of a reply, each in the pieces that it was cut into."""
    deltas: list[Delta] = []
    calls = 0
    for kind, pieces in blocks:
        if kind == "text":
            deltas += map(TextDelta, pieces)
        elif kind == "thought":
            deltas += map(Reasoning, pieces)
        else:
            deltas.append(ToolCallStart(calls, f"t{calls}", kind))
            deltas += [ToolCallArguments(calls, piece) for piece in pieces]
            calls += 1
    return [*deltas, Finish("tool_calls" if calls else "stop"), Usage(1, 1)]


@given(BLOCKS, st.lists(st.integers(1, 5), max_size=30))
def test_a_stream_says_what_the_whole_reply_says(blocks, sizes):
    """However a reply is cut into pieces and batches, it is the same reply, and the caller's calls are those the model made."""
    whole = assemble(Curtain(NAME).through(deltas_of([(kind, ["".join(pieces)]) for kind, pieces in blocks])))
    deltas, streamed, curtain = deltas_of(blocks), [], Curtain(NAME)
    for size in [*sizes, len(deltas)]:
        streamed += curtain.through(deltas[:size])
        del deltas[:size]

    calls = [(kind, "".join(pieces)) for kind, pieces in blocks if kind not in {"text", "thought"}]
    assert assemble(streamed) == whole
    assert [delta.index for delta in streamed if isinstance(delta, ToolCallStart)] == list(range(len(whole.tool_calls)))
    assert [(call.name, call.arguments) for call in whole.tool_calls] == [call for call in calls if call[0] != NAME]
    assert all(isinstance(call, AssembledCall) for call in whole.tool_calls)
    if calls and calls[0][0] == NAME:
        assert whole.text == calls[0][1]
    elif NAME not in {kind for kind, _ in blocks}:
        assert whole.text == "".join("".join(pieces) for kind, pieces in blocks if kind == "text")
    assert whole.finish.reason == ("tool_calls" if whole.tool_calls else "stop")
