"""Converse's body and its replies against golden ones."""

import json

import pytest
from msgspec.structs import replace

from adapters import FAMILIES, parameters
from adapters.chat import (
    CachePoint,
    ChatRequest,
    Document,
    Image,
    Message,
    Reasoning,
    Sampling,
    Text,
    ToolCall,
    ToolChoice,
    ToolSpec,
)
from adapters.deltas import (
    Finish,
    ReasoningSignature,
    RedactedReasoning,
    ToolCallArguments,
    ToolCallStart,
    Usage,
)
from adapters.deltas import Reasoning as ReasoningDelta
from adapters.deltas import Text as TextDelta

CONVERSE = FAMILIES["converse"]
HI = ChatRequest((Message("user", (Text("Hi"),)),))
WEATHER_ID, TIME_ID = "tooluse_lmRuMMHCQrqVVUUSUzNiIg", "tooluse_9pHKmIRsTGqCfNSmSlT6Yw"
FULL = ChatRequest(
    (
        Message("system", (Text("Be brief."), CachePoint("1h"))),
        Message(
            "user",
            (
                Document("application/pdf", "JVBERi0xLjQ=", "house_rules.pdf"),
                Document("text/plain", "Breakfast: 7"),
                Image("image/webp", "UklGRg=="),
                Text("When is breakfast?"),
            ),
        ),
        Message(
            "assistant",
            (
                Reasoning("The rules say it.", "EqQBCkYIAxgCKkB="),
                Reasoning(redacted="ZmFyIG91dA=="),
            ),
            tool_calls=(ToolCall(WEATHER_ID, "get_time", '{"zone": "WET"}'),),
        ),
        Message("tool", (Text("6:40"), Image("image/png", "iVBORw0KGgo="), CachePoint()), tool_call_id=WEATHER_ID),
    ),
    Sampling(max_tokens=256, temperature=0.5, top_p=0.9, stop=("\n\nGuest:", "\n")),
    tools=(
        ToolSpec(
            "get_time", "The time", {"type": "object", "properties": {"zone": {"type": "string"}}}, cache_point=CachePoint()
        ),
    ),
    tool_choice=ToolChoice("named", "get_time"),
)


def read(chunks, request=HI):
    reader = CONVERSE.reader(request)
    return [delta for chunk in chunks for delta in reader.read(chunk)] + reader.end()


def test_a_request_is_the_golden_one(golden_body):
    """Everything that blocks can hold, at its place; a stop of white space is ours."""
    assert json.loads(golden_body("converse/full.request")) == json.loads(CONVERSE.encode(FULL, True))


def test_a_thought_without_a_seal_is_dropped_and_named():
    """The model would take it for a forgery; the sealed ones go out although nobody told the model to think."""
    thoughts = (Reasoning("Mine.", "c2VhbA=="), Reasoning("A thought of somebody else's."))

    fitted, ignored = parameters.fit(ChatRequest((*HI.messages, Message("assistant", (*thoughts, Text("Yes"))))), CONVERSE)

    assert ignored == ("reasoning",)
    assert fitted.messages[1].parts == (thoughts[0], Text("Yes"))


def test_it_is_asked_by_its_own_operation():
    """The transport learns from the family where the body goes; every other family's goes to InvokeModel."""
    assert CONVERSE.operation == "converse"
    assert {family.operation for name, family in FAMILIES.items() if name != "converse"} == {"invoke"}


CALLS = [
    TextDelta("Let me look."),
    ToolCallStart(0, WEATHER_ID, "get_weather"),
    ToolCallArguments(0, '{"city":"Porto"}'),
    ToolCallStart(1, TIME_ID, "get_time"),
    ToolCallArguments(1, "{}"),
    Finish("tool_calls", "tool_use"),
    Usage(415, 52),
]
THOUGHTS = [ReasoningSignature("EqQBCkYIAxgCKkB="), RedactedReasoning("ZmFyIG91dA=="), TextDelta("The tide.")]
WHOLE = [
    ("text", [TextDelta("On their way to the pier."), Finish("stop", "end_turn"), Usage(8, 10)]),
    ("tools", CALLS),
    ("thinking", [ReasoningDelta("A riddle, then."), *THOUGHTS, Finish("stop", "end_turn"), Usage(16, 21)]),
    ("stop_sequence", [TextDelta("One, two"), Finish("stop", "stop_sequence", stop=", three"), Usage(16, 5)]),
    ("cached", [TextDelta("Yes."), Finish("stop", "end_turn"), Usage(18235, 3, 100, 18131)]),
    ("guardrail", [TextDelta("I cannot talk about that."), Finish("content_filter", "guardrail_intervened"), Usage(0, 0)]),
    ("citations", [TextDelta("Breakfast is at seven."), Finish("stop", "end_turn"), Usage(120, 6)]),
]


@pytest.mark.parametrize(("body", "deltas"), WHOLE, ids=[name for name, _ in WHOLE])
def test_a_whole_reply(golden_body, body, deltas):
    """Blocks in order, thoughts with their seals, the stop sequence by name where the model tells it."""
    assert deltas == CONVERSE.decode(golden_body(f"converse/{body}.reply"), HI, None)


STREAMS = [
    ("text", [TextDelta("On"), TextDelta(" their way"), TextDelta(" to the pier."), Finish("stop", "end_turn"), Usage(8, 10)]),
    ("tools", [*CALLS[:2], ToolCallArguments(0, '{"ci'), ToolCallArguments(0, 'ty":"Porto"}'), *CALLS[3:]]),
    (
        "thinking",
        [ReasoningDelta("A riddle, "), ReasoningDelta("then."), *THOUGHTS, Finish("stop", "end_turn"), Usage(16, 21)],
    ),
    (
        "truncated_tool",
        [
            ToolCallStart(0, WEATHER_ID, "get_weather"),
            ToolCallArguments(0, '{"city":"Po'),
            Finish("length", "max_tokens"),
            Usage(415, 4),
        ],
    ),
    ("stop_sequence", [TextDelta("One, two"), Finish("stop", "stop_sequence", stop=", three"), Usage(16, 5)]),
    ("cached", [TextDelta("Yes."), Finish("stop", "end_turn"), Usage(18235, 3, 100, 18131)]),
]


@pytest.mark.parametrize(("chunks", "deltas"), STREAMS, ids=[name for name, _ in STREAMS])
def test_a_stream(golden_chunks, chunks, deltas):
    """Typed events, one to a chunk; the padding is nobody's business, the counts come after the end."""
    assert deltas == read(golden_chunks(f"converse/{chunks}"))


def test_a_stop_of_white_space_is_honoured_here(golden_chunks):
    """Claude behind Converse refuses it, so the model never sees it; the reply is cut at it."""
    request = replace(HI, sampling=Sampling(max_tokens=9, stop=(" ",)))
    reader = CONVERSE.reader(request)
    chunks = golden_chunks("converse/text")

    assert b"stopSequences" not in CONVERSE.encode(request, True)
    assert [delta for chunk in chunks[:3] for delta in reader.read(chunk)] == [TextDelta("On"), Finish("stop", stop=" ")]
    assert reader.cut
