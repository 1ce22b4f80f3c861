"""Claude's replies, whole and streamed, against golden ones."""

import json

import pytest

from adapters import FAMILIES
from adapters.chat import ChatRequest, Message, ResponseFormat, Sampling, Text, ToolChoice, ToolSpec
from adapters.deltas import (
    AssembledCall,
    Finish,
    Reasoning,
    ReasoningSignature,
    RedactedReasoning,
    Thought,
    ToolCallArguments,
    ToolCallStart,
    Usage,
    assemble,
)
from adapters.deltas import Text as TextDelta
from adapters.errors import MalformedReply

CLAUDE = FAMILIES["claude"]
HI = ChatRequest((Message("user", (Text("Hi"),)),))


def read(chunks):
    reader = CLAUDE.reader(HI)
    return [delta for chunk in chunks for delta in reader.read(chunk)] + reader.end()


@pytest.mark.parametrize(
    ("body", "deltas"),
    [
        ("text", [TextDelta("Why did the crab cross the beach?"), Finish("stop", "end_turn"), Usage(16, 21)]),
        (
            "tools",
            [
                TextDelta("Let me look."),
                ToolCallStart(0, "toolu_bdrk_01A", "get_current_weather"),
                ToolCallArguments(0, '{"location":"Paris"}'),
                ToolCallStart(1, "toolu_bdrk_01B", "get_time"),
                ToolCallArguments(1, "{}"),
                Finish("tool_calls", "tool_use"),
                Usage(16, 21),
            ],
        ),
        (
            "thinking",
            [
                Reasoning("A riddle, then."),
                ReasoningSignature("c2ln"),
                RedactedReasoning("cmVkYWN0ZWQ="),
                TextDelta("The tide."),
                Finish("stop", "end_turn"),
                Usage(16, 21),
            ],
        ),
        ("stopped", [TextDelta("1, 2, "), Finish("stop", "stop_sequence", stop="3"), Usage(16, 21)]),
        ("cached", [TextDelta("Yes."), Finish("stop", "end_turn"), Usage(18235, 3, 100, 18131)]),
    ],
)
def test_a_whole_reply(golden_body, body, deltas):
    """Blocks in order; the prompt's count includes what was read from or written to the cache."""
    assert deltas == CLAUDE.decode(golden_body(f"claude/{body}.reply"), HI, Usage(1, 1, source="headers"))


@pytest.mark.parametrize(
    ("chunks", "deltas"),
    [
        (
            "text",
            [
                TextDelta("Why"),
                TextDelta(" did the crab"),
                TextDelta(" cross the beach?"),
                Finish("stop", "end_turn"),
                Usage(16, 21),
            ],
        ),
        (
            "tools",
            [
                TextDelta("Let me look."),
                ToolCallStart(0, "toolu_bdrk_01A", "get_current_weather"),
                ToolCallArguments(0, '{"loc'),
                ToolCallArguments(0, 'ation": "Paris"}'),
                ToolCallStart(1, "toolu_bdrk_01B", "get_time"),
                ToolCallArguments(1, "{}"),
                Finish("tool_calls", "tool_use"),
                Usage(16, 21),
            ],
        ),
        (
            "truncated_tool",
            [
                ToolCallStart(0, "toolu_bdrk_01A", "get_current_weather"),
                ToolCallArguments(0, '{"location": "Par'),
                Finish("length", "max_tokens"),
                Usage(16, 21),
            ],
        ),
        (
            "thinking",
            [
                Reasoning("A riddle, "),
                Reasoning("then."),
                ReasoningSignature("c2ln"),
                TextDelta("The tide."),
                Finish("stop", "end_turn"),
                Usage(16, 21),
            ],
        ),
        ("stopped", [TextDelta("1, "), TextDelta("2, "), Finish("stop", "stop_sequence", stop="3"), Usage(16, 21)]),
        ("cached", [TextDelta("Yes."), Finish("stop", "end_turn"), Usage(18235, 3, 100, 18131)]),
    ],
)
def test_a_stream(golden_chunks, chunks, deltas):
    """Tool indexes are dense whatever blocks stand between, empty pieces are not shown, a truncated call is ``length``."""
    assert deltas == read(golden_chunks(f"claude/{chunks}"))


def test_whole_and_streamed_are_one(golden_body, golden_chunks):
    """The same reply, whole or in chunks, assembles to the same thing."""
    for name in ("text", "stopped", "cached"):
        whole = CLAUDE.decode(golden_body(f"claude/{name}.reply"), HI, None)
        assert assemble(whole) == assemble(read(golden_chunks(f"claude/{name}")))


def test_thoughts_are_told_block_by_block(golden_body, golden_chunks):
    """Trap 30: each thought with its signature, what nobody can read as it is, whole and streamed."""
    whole = assemble(CLAUDE.decode(golden_body("claude/thoughts.reply"), HI, None))
    streamed = assemble(read(golden_chunks("claude/thoughts")))

    assert whole.thoughts == streamed.thoughts == (Thought("A riddle, then.", "c2ln"), Thought(redacted="cmVkYWN0ZWQ="))
    assert whole.text == streamed.text == "Let me look."
    assert [json.loads(reply.tool_calls[0].arguments) for reply in (whole, streamed)] == [{"zone": "UTC"}] * 2


BOOKING = ResponseFormat("json_schema", "booking", {"type": "object"}, strict=True)
CLOCK = ToolSpec("get_time", None, {})


@pytest.mark.parametrize("tools", [(), (CLOCK,)], ids=["alone", "beside a tool"])
def test_the_hidden_call_is_the_answer(golden_body, golden_chunks, tools):
    """Traps 15 and 16: its arguments come as text, as they come, and the reply ends with ``stop``."""
    request = ChatRequest(HI.messages, Sampling(max_tokens=64), response_format=BOOKING, tools=tools)
    reader = CLAUDE.reader(request)
    streamed = [delta for chunk in golden_chunks("claude/answer") for delta in reader.read(chunk)] + reader.end()
    whole = CLAUDE.decode(golden_body("claude/answer.reply"), request, None)

    assert streamed == [
        TextDelta('{"city":'),
        TextDelta('"Rome","rooms"'),
        TextDelta(":[6,14]}"),
        Finish("stop", "tool_use"),
        Usage(16, 21),
    ]
    assert assemble(whole) == assemble(streamed)


def test_the_callers_own_calls_come_through(golden_body, golden_chunks):
    """Trap 16: a format asked for changes nothing of a call that the model makes, offered or demanded."""
    for choice in (None, ToolChoice("required")):
        request = ChatRequest(HI.messages, HI.sampling, response_format=BOOKING, tools=(CLOCK,), tool_choice=choice)
        reader = CLAUDE.reader(request)
        streamed = [delta for chunk in golden_chunks("claude/thoughts") for delta in reader.read(chunk)] + reader.end()

        assert assemble(streamed) == assemble(read(golden_chunks("claude/thoughts")))
        assert CLAUDE.decode(golden_body("claude/tools.reply"), request, None) == CLAUDE.decode(
            golden_body("claude/tools.reply"), HI, None
        )


def test_a_format_that_claude_enforces_is_text_already(golden_body, golden_chunks):
    """Since 4.5 a strict schema needs no tool, and so nothing has to be turned into text."""
    newer = FAMILIES["claude_4_5"]
    request = ChatRequest(HI.messages, HI.sampling, response_format=BOOKING)
    reader = newer.reader(request)
    streamed = [delta for chunk in golden_chunks("claude_4_5/format") for delta in reader.read(chunk)] + reader.end()

    assert streamed[:2] == [TextDelta('{"city":"Rome",'), TextDelta('"rooms":[6,14]}')]
    assert assemble(streamed) == assemble(newer.decode(golden_body("claude_4_5/format.reply"), request, None))


def test_a_loose_format_needs_the_tool_on_every_claude(golden_body):
    """What is not strict, or names no schema, may be none that the native field takes: it goes by the tool."""
    for wanted in (ResponseFormat("json_object"), ResponseFormat("json_schema", "booking", {"type": "object"})):
        request = ChatRequest(HI.messages, HI.sampling, response_format=wanted)
        reply = assemble(FAMILIES["claude_4_5"].decode(golden_body("claude/answer.reply"), request, None))

        assert json.loads(reply.text) == {"city": "Rome", "rooms": [6, 14]}
        assert reply.finish == Finish("stop", "tool_use")


def test_a_call_whose_arguments_come_at_once():
    """Arguments in a block's start are shown, and not again at its end."""
    start = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}}
    chunks = [
        b'{"type":"message_start","message":{}}',
        json.dumps({"type": "content_block_start", "index": 0, "content_block": start}).encode(),
        b'{"type":"content_block_stop","index":0}',
        b'{"type":"message_delta","delta":{"stop_reason":"tool_use"}}',
        b'{"type":"message_stop"}',
    ]

    assert (AssembledCall("toolu_1", "f", '{"a":1}'),) == assemble(read(chunks)).tool_calls


def test_types_that_are_not_known_say_nothing(golden_chunks):
    """New events, blocks and deltas are passed over: a paid reply is not thrown away for them."""
    chunks = golden_chunks("claude/text")
    news = [
        b'{"type":"weather_report","index":3,"delta":{"type":"rain"}}',
        b'{"type":"content_block_start","index":7,"content_block":{"type":"hologram","data":"x"}}',
        b'{"type":"content_block_delta","index":7,"delta":{"type":"hologram_delta","data":"x"}}',
        b'{"type":"content_block_stop","index":7}',
    ]

    assert read(chunks) == read([*chunks[:2], *news, *chunks[2:]])


@pytest.mark.parametrize(
    ("word", "finish"),
    [
        ("stop_sequence", Finish("stop", "stop_sequence")),
        ("max_tokens", Finish("length", "max_tokens")),
        ("model_context_window_exceeded", Finish("length", "model_context_window_exceeded")),
        ("refusal", Finish("content_filter", "refusal")),
        ("tool_use", Finish("stop", "tool_use")),
        ("new_word", Finish("stop", "new_word", known=False)),
    ],
)
def test_stop_words(word, finish):
    """Each word has its meaning; ``tool_use`` without a call is not ``tool_calls``; a new word is kept and marked."""
    body = json.dumps({"content": [{"type": "text", "text": "Hi"}], "stop_reason": word}).encode()

    assert finish == assemble(CLAUDE.decode(body, HI, None)).finish


def test_a_guardrail_may_speak_last(golden_chunks):
    """An intervention in the very last chunk still makes the reason ``content_filter``, once."""
    *chunks, last = golden_chunks("claude/text")
    blocked = json.dumps({**json.loads(last), "amazon-bedrock-guardrailAction": "INTERVENED"}).encode()

    assert [Finish("content_filter", "INTERVENED")] == [delta for delta in read([*chunks, blocked]) if isinstance(delta, Finish)]


def test_metrics_count_where_the_body_does_not():
    """Without ``usage`` Bedrock's metrics speak, the cache included."""
    metrics = {"inputTokenCount": 4, "outputTokenCount": 3, "cacheReadInputTokenCount": 10, "cacheWriteInputTokenCount": 20}
    chunks = [
        b'{"type":"message_start","message":{}}',
        b'{"type":"message_delta","delta":{"stop_reason":"end_turn"}}',
        json.dumps({"type": "message_stop", "amazon-bedrock-invocationMetrics": metrics}).encode(),
    ]

    assert [Finish("stop", "end_turn"), Usage(34, 3, 10, 20, "metrics")] == read(chunks)


def test_headers_count_where_nobody_else_does():
    """A whole reply without ``usage`` is counted by its headers, or not at all."""
    body = b'{"content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn"}'
    headers = Usage(4, 3, source="headers")

    assert headers == assemble(CLAUDE.decode(body, HI, headers)).usage
    assert assemble(CLAUDE.decode(body, HI, None)).usage is None


def test_saying_nothing_is_an_answer_if_it_is_said():
    """After a tool's answer Claude may have nothing to add."""
    assert [Finish("stop", "end_turn")] == CLAUDE.decode(b'{"content":[],"stop_reason":"end_turn"}', HI, None)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"content":[],"stop_reason":null}',
        b'{"content":null,"stop_reason":"end_turn"}',
        b'{"content":[{"type":"tool_use"}]}',
    ],
)
def test_what_is_no_reply(body):
    """No content, or a call without a name, is malformed."""
    with pytest.raises(MalformedReply):
        CLAUDE.decode(body, HI, None)


@pytest.mark.parametrize(
    "chunk",
    [
        b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
        b'{"type":"content_block_delta","index":5,"delta":{"type":"input_json_delta","partial_json":"{"}}',
        b'{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_1"}}',
        b'{"type":"message_stop","index":"zero"}',
    ],
)
def test_what_is_no_chunk(chunk):
    """An error inside a stream, arguments of no call, a call without a name: the reply ends as malformed."""
    with pytest.raises(MalformedReply):
        CLAUDE.reader(HI).read(chunk)


def test_message_stop_is_the_end_at_once(golden_chunks):
    """``message_stop`` ends the reply when it comes, with metrics or without."""
    reader = CLAUDE.reader(HI)
    for chunk in golden_chunks("claude/text")[:-1]:
        reader.read(chunk)

    assert [Finish("stop", "end_turn"), Usage(16, 21)] == reader.read(b'{"type":"message_stop"}')
    assert reader.read(b'{"type":"message_stop"}') == reader.end() == []


def test_a_reason_without_message_stop_is_an_end(golden_chunks):
    """The reason has been told, so the reply is whole although the last chunk is missing."""
    assert read(golden_chunks("claude/text")) == read(golden_chunks("claude/text")[:-1])


def test_a_stop_string_of_white_space_is_honoured_here(golden_body, golden_chunks):
    """Whole or streamed, the answer ends at a stop string that Claude would not take; its own are left to it."""
    request = ChatRequest(HI.messages, Sampling(max_tokens=64, stop=(" ", "crab")))
    reader = CLAUDE.reader(request)
    streamed = [delta for chunk in golden_chunks("claude/text") for delta in reader.read(chunk)]

    assert [TextDelta("Why"), Finish("stop", stop=" ")] == streamed
    assert reader.cut
    assert reader.end() == []
    assert [TextDelta("Why"), Finish("stop", stop=" "), Usage(16, 21)] == CLAUDE.decode(
        golden_body("claude/text.reply"), request, None
    )
