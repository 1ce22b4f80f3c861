"""Nova's own body and its replies against golden ones, and what it does not take."""

import json

import pytest

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
from adapters.deltas import Finish, ToolCallArguments, ToolCallStart, Usage
from adapters.deltas import Text as TextDelta
from adapters.errors import InvalidParameter, UnsupportedContent, UnsupportedParameter
from adapters.family import OneOf

NOVA = FAMILIES["nova"]
HI = ChatRequest((Message("user", (Text("Hi"),)),))
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = ToolSpec("get_weather", "The weather of a place", SCHEMA)
CALL_IDS = (
    "6b1a4b5e-0b1f-4c39-9d5e-1f0a8e3f7a10",
    "0f6d4d1c-9a7b-4b6d-8f44-70f3b0a3c9de",
    "d2c1e0a4-7d5e-4f9c-8a37-5a8e0c6b1f22",
)


def say(role: str, *texts: str) -> Message:
    return Message(role, tuple(Text(text) for text in texts))


def read(chunks):
    reader = NOVA.reader(HI)
    return [delta for chunk in chunks for delta in reader.read(chunk)] + reader.end()


def test_a_text_request_is_the_golden_one(golden_body):
    """System texts beside the turns, neighbours of one role merged, every knob under its own name."""
    request = ChatRequest(
        (
            say("system", "Be brief."),
            say("user", "Hi", "there"),
            say("assistant", ""),
            say("assistant", "Salut !"),
            say("system", "Answer in French."),
            say("user", "Who are you?"),
            say("user", "", "And where?"),
        ),
        Sampling(max_tokens=2048, temperature=0.1, top_p=0.9, top_k=20, stop=("END",)),
    )

    assert json.loads(golden_body("nova/text.request")) == json.loads(NOVA.encode(request, True))


def test_a_request_with_tools_is_the_golden_one(golden_body):
    """Parallel calls stay in one turn, their answers share the next with the user's words, a failure is told as one."""
    request = ChatRequest(
        (
            Message(
                "user",
                (Image("image/jpeg", "/9j/4AAQSkZJRg=="), Text("Weather where this was taken, and in Faro?"), CachePoint()),
            ),
            Message(
                "assistant",
                (Text("Let me look."),),
                tool_calls=(ToolCall("6b1a4b5e-0b1f", "get_weather", '{"city": "Porto"}'), ToolCall("call.2:", "get_time", "")),
            ),
            Message("tool", (Text("18 degrees"),), tool_call_id="6b1a4b5e-0b1f"),
            Message("tool", (Text("The clock is broken"),), tool_call_id="call.2:", is_error=True),
            say("user", "And now?"),
        ),
        Sampling(max_tokens=256),
        tools=(WEATHER, ToolSpec("get_time", None, {})),
        tool_choice=ToolChoice("required"),
    )

    assert json.loads(golden_body("nova/tools.request")) == json.loads(NOVA.encode(request, False))


@pytest.mark.parametrize(("effort", "native"), [("low", "low"), ("medium", "medium"), ("none", None)])
def test_reasoning_is_told_in_novas_words(effort, native):
    """An effort turns thinking on; none leaves the field out, which Nova's first version refuses."""
    body = json.loads(NOVA.encode(ChatRequest(HI.messages, Sampling(max_tokens=9, reasoning_effort=effort)), False))

    wanted = {} if native is None else {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": native}}
    assert body["inferenceConfig"] == {"maxTokens": 9, **wanted}


@pytest.mark.parametrize("effort", ["high", "minimal", "xhigh"])
def test_an_effort_that_nova_does_not_have(effort):
    """``high`` wants no limit of tokens, and one is always sent; the others are not Nova's. All are refused with the list."""
    with pytest.raises(InvalidParameter, match="reasoning_effort is one of none, low, medium for family") as refused:
        parameters.fit(ChatRequest(HI.messages, Sampling(reasoning_effort=effort)), NOVA)

    assert refused.value.parameter == "reasoning_effort"
    assert isinstance(NOVA.accepts["reasoning_effort"], OneOf)


@pytest.mark.parametrize(
    "said",
    [
        {"logprobs": True},
        {"top_logprobs": 2},
        {"logit_bias": {"1": 2.0}},
        {"frequency_penalty": 0.5},
        {"presence_penalty": 0.5},
        {"reasoning_tokens": 1024},
    ],
    ids=lambda said: next(iter(said)),
)
@pytest.mark.parametrize("family", ["nova", "converse"])
def test_what_the_dialect_has_no_field_for_is_refused_by_name(family, said):
    """Neither envelope has log probabilities, penalties or a budget for thinking."""
    with pytest.raises(UnsupportedParameter) as refused:
        parameters.fit(ChatRequest(HI.messages, Sampling(**said)), FAMILIES[family])

    assert refused.value.parameter in said


def test_a_document_is_refused_by_its_place():
    """Documents are for Converse alone, says Nova's guide."""
    request = ChatRequest((Message("user", (Text("See"), Document("application/pdf", "JVBERi0xLjQ="))),))

    with pytest.raises(UnsupportedContent) as refused:
        parameters.fit(request, NOVA)

    assert refused.value.parameter == "messages[0].content[1]"


def test_what_nova_has_no_place_for_is_dropped_and_named():
    """Thoughts of earlier turns, cache points behind tools and their times change no answer."""
    request = ChatRequest(
        (Message("user", (Text("Hi"), CachePoint("1h"))), Message("assistant", (Reasoning("Hm", "c2VhbA=="), Text("Yes")))),
        tools=(ToolSpec("get_time", None, {}, cache_point=CachePoint("1h")),),
    )

    fitted, ignored = parameters.fit(request, NOVA)

    assert ignored == ("reasoning", "tools.cache_control", "cache_control.ttl")
    assert fitted.messages == (Message("user", (Text("Hi"), CachePoint())), Message("assistant", (Text("Yes"),)))
    assert fitted.tools == (ToolSpec("get_time", None, {}),)


WHOLE = [
    ("text", [TextDelta("On their way to the pier."), Finish("stop", "end_turn"), Usage(30, 9)]),
    (
        "tools",
        [
            TextDelta("<thinking> Two cities, two calls. </thinking>\n"),
            ToolCallStart(0, CALL_IDS[0], "get_weather"),
            ToolCallArguments(0, '{"city":"Porto","days":2.0}'),
            ToolCallStart(1, CALL_IDS[1], "get_weather"),
            ToolCallArguments(1, '{"city":"Faro"}'),
            ToolCallStart(2, CALL_IDS[2], "get_time"),
            ToolCallArguments(2, "{}"),
            Finish("tool_calls", "tool_use"),
            Usage(415, 202),
        ],
    ),
    ("cached", [TextDelta("Yes."), Finish("stop", "end_turn"), Usage(18235, 3, 100, 18131)]),
    ("guardrail", [TextDelta("I cannot talk about that."), Finish("content_filter", "guardrail_intervened"), Usage(0, 0)]),
]


@pytest.mark.parametrize(("body", "deltas"), WHOLE, ids=[name for name, _ in WHOLE])
def test_a_whole_reply(golden_body, body, deltas):
    """Blocks in order, calls dense, the body's own counts before the headers'."""
    assert deltas == NOVA.decode(golden_body(f"nova/{body}.reply"), HI, Usage(1, 1, source="headers"))


STREAMS = [
    (
        "text",
        [TextDelta("On"), TextDelta(" their way"), TextDelta(" to the pier."), Finish("stop", "end_turn"), Usage(30, 9)],
    ),
    (
        "tools",
        [
            TextDelta("<thinking"),
            TextDelta("> Two cities, two calls. </thinking>\n"),
            ToolCallStart(0, CALL_IDS[0], "get_weather"),
            ToolCallArguments(0, '{"city":"Porto","days":2.0}'),
            ToolCallStart(1, CALL_IDS[1], "get_weather"),
            ToolCallArguments(1, '{"city":"Faro"}'),
            ToolCallStart(2, CALL_IDS[2], "get_time"),
            ToolCallArguments(2, "{}"),
            Finish("tool_calls", "tool_use"),
            Usage(415, 202),
        ],
    ),
    ("length", [TextDelta("On"), TextDelta(" their"), Finish("length", "max_tokens"), Usage(30, 2)]),
    ("cached", [TextDelta("Yes."), Finish("stop", "end_turn"), Usage(18235, 3, 100, 18131)]),
    ("guardrail", [TextDelta("I cannot talk about that."), Finish("content_filter", "guardrail_intervened"), Usage(0, 0)]),
]


@pytest.mark.parametrize(("chunks", "deltas"), STREAMS, ids=[name for name, _ in STREAMS])
def test_a_stream(golden_chunks, chunks, deltas):
    """Indexes that count every piece of text leave no trace: calls are dense from 0, whatever stands between them."""
    assert deltas == read(golden_chunks(f"nova/{chunks}"))


def test_counts_from_the_headers_stand_in():
    """A body without counts takes those that AWS put into the headers."""
    body = b'{"output":{"message":{"content":[{"text":"Hi"}],"role":"assistant"}},"stopReason":"end_turn"}'

    assert NOVA.decode(body, HI, Usage(5, 2, source="headers"))[-1] == Usage(5, 2, source="headers")
