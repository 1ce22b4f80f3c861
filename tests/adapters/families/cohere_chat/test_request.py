"""What Command R is sent, and what it cannot be sent."""

import json

import pytest

from adapters import FAMILIES
from adapters.chat import ChatRequest, Document, Message, ResponseFormat, Sampling, Text, ToolCall, ToolChoice, ToolSpec
from adapters.errors import InvalidParameter, RequestRefused, UnsupportedContent
from adapters.parameters import fit

FAMILY = FAMILIES["cohere_chat"]
WEATHER = ToolSpec(
    "get_weather",
    "The weather in a city.",
    {"type": "object", "properties": {"city": {"type": "string", "description": "The city."}}, "required": ["city"]},
)


def say(role: str, *parts: str | Document, **fields) -> Message:
    return Message(role, tuple(Text(part) if isinstance(part, str) else part for part in parts), **fields)


ASKED = say("user", "What is the weather in Lisbon?")
CALLED = say("assistant", "I will look it up.", tool_calls=(ToolCall("call_0", "get_weather", '{"city":"Lisbon"}'),))
ANSWERED = say("tool", '{"degrees": 18, "sky": "clear"}', tool_call_id="call_0")
CALL = {"name": "get_weather", "parameters": {"city": "Lisbon"}}


def body_of(*messages: Message, **fields) -> dict:
    return json.loads(FAMILY.encode(ChatRequest(messages, Sampling(max_tokens=100), **fields), False))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
class TestGolden:
    def test_a_conversation_with_every_knob(self, golden_body, stream):
        """The last turn is the message, the ones before it the history, the system's the preamble."""
        request = ChatRequest(
            (
                say("system", "Be brief."),
                say("user", "Hi"),
                say("assistant", "Hello!"),
                say("user", Document("text/plain", "Opens at five.", "Bakery"), "A tagline for a bakery?"),
            ),
            Sampling(
                max_tokens=100,
                temperature=0.3,
                top_p=0.75,
                top_k=10,
                frequency_penalty=0.1,
                presence_penalty=0.2,
                seed=7,
                stop=("--",),
            ),
        )
        fitted, dropped = fit(request, FAMILY)

        assert json.loads(golden_body("cohere_chat/conversation.request")) == json.loads(FAMILY.encode(fitted, stream))
        assert dropped == ()

    def test_a_tools_answer(self, golden_body, stream):
        """It is apart from the turns, repeats its call, and the message is empty."""
        request = ChatRequest((ASKED, CALLED, ANSWERED), Sampling(max_tokens=100), tools=(WEATHER,))

        assert json.loads(golden_body("cohere_chat/tools.request")) == json.loads(FAMILY.encode(request, stream))


def test_earlier_rounds_of_tools_stay_in_the_history():
    """As TOOL turns; of two calls with one id the answer is the nearer one's."""
    again = say("assistant", tool_calls=(ToolCall("call_0", "get_weather", '{"city":"Porto"}'),))
    body = body_of(
        ASKED,
        CALLED,
        ANSWERED,
        say("assistant", "18 degrees."),
        say("user", "And Porto?"),
        again,
        say("tool", "20", tool_call_id="call_0"),
        tools=(WEATHER,),
    )

    assert [turn["role"] for turn in body["chat_history"]] == ["USER", "CHATBOT", "TOOL", "CHATBOT", "USER", "CHATBOT"]
    assert body["chat_history"][2] == {
        "role": "TOOL",
        "tool_results": [{"call": CALL, "outputs": [{"degrees": 18, "sky": "clear"}]}],
    }
    assert body["tool_results"] == [
        {"call": {"name": "get_weather", "parameters": {"city": "Porto"}}, "outputs": [{"text": "20"}]}
    ]


def test_neighbours_of_one_role_are_one_turn():
    """Texts, calls and answers each join with their like."""
    other = say("assistant", tool_calls=(ToolCall("call_1", "get_weather", ""),))
    body = body_of(
        say("user", "one"),
        say("user", "two"),
        CALLED,
        other,
        ANSWERED,
        say("tool", "20", tool_call_id="call_1"),
        tools=(WEATHER,),
    )

    assert body["chat_history"] == [
        {"role": "USER", "message": "one\n\ntwo"},
        {"role": "CHATBOT", "message": "I will look it up.", "tool_calls": [CALL, {"name": "get_weather", "parameters": {}}]},
    ]
    assert [result["outputs"] for result in body["tool_results"]] == [[{"degrees": 18, "sky": "clear"}], [{"text": "20"}]]


@pytest.mark.parametrize(
    ("text", "outputs"),
    [
        ("18 degrees", [{"text": "18 degrees"}]),
        ('{"degrees": 18}', [{"degrees": 18}]),
        ('[{"degrees": 18}, {"degrees": 20}]', [{"degrees": 18}, {"degrees": 20}]),
        ("[18, 20]", [{"text": "[18, 20]"}]),
        ("18", [{"text": "18"}]),
        ("{}", [{"text": "{}"}]),
        ("[]", [{"text": "[]"}]),
        ("", [{"text": ""}]),
        ('{"degrees": 18', [{"text": '{"degrees": 18'}]),
        ("[" * 5000, [{"text": "[" * 5000}]),
    ],
    ids=["text", "object", "objects", "numbers", "number", "empty object", "empty list", "nothing", "open", "deep"],
)
def test_a_tools_answer_becomes_objects(text, outputs):
    """Command R cites from objects: an answer that is one, or a list of them, goes as it is; any other in one."""
    body = body_of(ASKED, CALLED, say("tool", text, tool_call_id="call_0"), tools=(WEATHER,))

    assert body["tool_results"][0]["outputs"] == outputs


def test_numbers_of_a_tool_are_not_touched():
    """What was written is what is sent, beyond what a float holds."""
    called = say("assistant", tool_calls=(ToolCall("call_0", "f", '{"a":12345678901234567890123,"b":1.10}'),))
    body = FAMILY.encode(
        ChatRequest((ASKED, called, say("tool", '{"c":98765432109876543210987}', tool_call_id="call_0")), tools=(WEATHER,)), False
    )

    assert b'{"a":12345678901234567890123,"b":1.10}' in body
    assert b'[{"c":98765432109876543210987}]' in body


@pytest.mark.parametrize(
    ("choice", "offered"),
    [(None, True), (ToolChoice("auto"), True), (ToolChoice("none"), False)],
    ids=["unsaid", "auto", "none"],
)
def test_whether_tools_are_offered(choice, offered):
    """Command R has no choice of tools: ``none`` is said by offering none."""
    assert ("tools" in body_of(ASKED, tools=(WEATHER,), tool_choice=choice)) == offered


def test_a_tool_without_words_is_described_by_its_name():
    """The body demands a description."""
    (tool,) = body_of(ASKED, tools=(ToolSpec("now", None, {}),))["tools"]

    assert tool == {"name": "now", "description": "now", "parameter_definitions": {}}


def test_a_prompt_already_written_goes_past_the_template():
    """``raw_prompting`` keeps Command R from wrapping it; nothing else of the messages is sent."""
    assert body_of(ASKED, prompt="<BOS_TOKEN>Hi") == {"message": "<BOS_TOKEN>Hi", "raw_prompting": True, "max_tokens": 100}


@pytest.mark.parametrize(
    ("messages", "fields", "parameter"),
    [
        pytest.param((ASKED, say("assistant", "It")), {}, "messages", id="an answer to be continued"),
        pytest.param((say("system", "Be brief."),), {}, "messages", id="no turn at all"),
        pytest.param((ASKED, ANSWERED), {}, "messages[1].tool_call_id", id="an answer to no call"),
        pytest.param(
            (ASKED, say("assistant", tool_calls=(ToolCall("call_0", "f", "[1]"),)), ANSWERED),
            {},
            "messages[1].tool_calls[0].function.arguments",
            id="arguments that are no object",
        ),
        pytest.param((say("user", Document("application/pdf", "JVBERi0="), "Hi"),), {}, "messages[0].content[0]", id="a PDF"),
    ],
)
def test_content_that_has_no_place_is_refused_by_its_place(messages, fields, parameter):
    """Each names what to change."""
    with pytest.raises(UnsupportedContent) as refused:
        body_of(*messages, **fields)

    assert refused.value.parameter == parameter


@pytest.mark.parametrize(
    ("fields", "parameter"),
    [
        pytest.param({}, "tools", id="no tools"),
        pytest.param({"tools": (WEATHER,), "tool_choice": ToolChoice("none")}, "tool_choice", id="none may be called"),
        pytest.param({"tools": (ToolSpec("get-weather", None, {}),)}, "tools[0].function.name", id="hyphen"),
        pytest.param({"tools": (WEATHER, ToolSpec("2nd", None, {}))}, "tools[1].function.name", id="digit first"),
    ],
)
def test_tools_that_cannot_be_offered_are_refused(fields, parameter):
    """An answer is read only beside tools that may be called, and names are Python's."""
    with pytest.raises(InvalidParameter) as refused:
        body_of(ASKED, CALLED, ANSWERED, **fields)

    assert refused.value.parameter == parameter


@pytest.mark.parametrize(
    ("request_", "parameter"),
    [
        (ChatRequest((ASKED,), tools=(WEATHER,), tool_choice=ToolChoice("required")), "tool_choice"),
        (ChatRequest((ASKED,), tools=(WEATHER,), tool_choice=ToolChoice("named", "get_weather")), "tool_choice"),
        (ChatRequest((ASKED,), tools=(WEATHER,), parallel_tool_calls=False), "parallel_tool_calls"),
        (ChatRequest((ASKED,), response_format=ResponseFormat("json_object")), "response_format"),
        (ChatRequest((ASKED,), Sampling(top_p=0.995)), "top_p"),
        (ChatRequest((ASKED,), Sampling(frequency_penalty=-0.5)), "frequency_penalty"),
        (ChatRequest((ASKED,), Sampling(logprobs=True)), "logprobs"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_the_body_has_no_field_for_is_refused(request_, parameter):
    """By its name, before anything is asked."""
    with pytest.raises(RequestRefused) as refused:
        fit(request_, FAMILY)

    assert refused.value.parameter == parameter


def test_openais_default_of_top_p_is_dropped_and_named():
    """Many clients say 1 without meaning anything; Bedrock takes nothing above 0.99."""
    fitted, dropped = fit(ChatRequest((ASKED,), Sampling(top_p=1)), FAMILY)

    assert fitted.sampling.top_p is None
    assert dropped == ("top_p",)
