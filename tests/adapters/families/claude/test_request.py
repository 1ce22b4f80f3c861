"""Claude's request body against golden ones, and what its form cannot hold."""

import json

import pytest

from adapters import FAMILIES
from adapters.chat import ChatRequest, Image, Message, Sampling, Text, ToolCall, ToolChoice, ToolSpec
from adapters.errors import UnsupportedContent

CLAUDE = FAMILIES["claude"]
SCHEMA = {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]}
WEATHER = ToolSpec("get_current_weather", "The weather of a place", SCHEMA)
NO_LIMIT = Sampling(max_tokens=256)


def say(role: str, *texts: str) -> Message:
    return Message(role, tuple(Text(text) for text in texts))


def body_of(*messages: Message, **fields) -> dict:
    return json.loads(CLAUDE.encode(ChatRequest(messages, NO_LIMIT, **fields), True))


def test_a_text_request_is_the_golden_one(golden_body):
    """Parts in order, neighbours of one role merged, system messages joined, no ``stream`` and no ``model``."""
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
        Sampling(max_tokens=2048, temperature=0.1, top_p=0.9, stop=("END",)),
    )

    assert json.loads(golden_body("claude/text.request")) == json.loads(CLAUDE.encode(request, True))


def test_an_image_is_the_golden_one(golden_body):
    """An image is base64 with its true type, at its place among the parts."""
    request = ChatRequest(
        (Message("user", (Text("What is this?"), Image("image/png", "iVBORw0KGgo="))),), Sampling(max_tokens=64)
    )

    assert json.loads(golden_body("claude/image.request")) == json.loads(CLAUDE.encode(request, False))


def test_parallel_calls_and_their_answers_are_the_golden_ones(golden_body):
    """Calls stay in one turn, answers share the next with the user's words, empty arguments are ``{}``."""
    messages = (
        say("user", "Weather in Paris and Rome?"),
        Message(
            "assistant",
            (Text("Let me look."),),
            tool_calls=(
                ToolCall("toolu_bdrk_01A", "get_current_weather", '{"location": "Paris"}'),
                ToolCall("toolu_bdrk_01B", "get_current_weather", ""),
            ),
        ),
        Message("tool", (Text("18 degrees"),), tool_call_id="toolu_bdrk_01A"),
        Message("tool", (), tool_call_id="toolu_bdrk_01B"),
        say("user", "Which is warmer?"),
    )
    golden = json.loads(golden_body("claude/tools.request"))

    assert golden == body_of(*messages, tools=(WEATHER,), tool_choice=ToolChoice("required"), parallel_tool_calls=False)


def test_calls_in_the_history_bring_their_own_definitions(golden_body):
    """Without ``tools`` the history's calls get stubs, and none of them may be called; foreign ids are made Claude's."""
    messages = (
        say("user", "Weather in Paris?"),
        Message("assistant", tool_calls=(ToolCall("call:0.1", "get_current_weather", '{"location": "Paris"}'),)),
        Message("tool", (Text("18 degrees"),), tool_call_id="call:0.1"),
    )

    assert json.loads(golden_body("claude/stubs.request")) == body_of(*messages)


@pytest.mark.parametrize(
    ("choice", "parallel", "native"),
    [
        (None, None, None),
        (None, True, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("auto"), None, {"type": "auto"}),
        (ToolChoice("required"), True, {"type": "any"}),
        (ToolChoice("none"), False, {"type": "none"}),
        (ToolChoice("named", "get_current_weather"), None, {"type": "tool", "name": "get_current_weather"}),
        (
            ToolChoice("named", "get_current_weather"),
            False,
            {"type": "tool", "name": "get_current_weather", "disable_parallel_tool_use": True},
        ),
    ],
)
def test_the_choice_of_tools(choice, parallel, native):
    """Each of OpenAI's modes has Claude's word; definitions stay also when none may be called."""
    body = body_of(say("user", "Hi"), tools=(WEATHER,), tool_choice=choice, parallel_tool_calls=parallel)

    assert native == body.get("tool_choice")
    assert [{"name": WEATHER.name, "description": WEATHER.description, "input_schema": SCHEMA}] == body["tools"]


@pytest.mark.parametrize(
    ("parameters", "schema"),
    [({}, {"type": "object"}), ({"properties": {"at": {}}}, {"type": "object", "properties": {"at": {}}})],
)
def test_a_schema_always_says_that_it_is_an_object(parameters, schema):
    """Claude wants the word; a tool without parameters has the empty schema."""
    body = body_of(say("user", "Hi"), tools=(ToolSpec("now", None, parameters),))

    assert [{"name": "now", "input_schema": schema}] == body["tools"]


def test_arguments_keep_every_digit():
    """Numbers in a call's arguments go out as they came in, however long."""
    arguments = '{"n": 12345678901234567890123, "x": 0.10000000000000000555}'
    history = (say("user", "Hi"), Message("assistant", tool_calls=(ToolCall("c", "f", arguments),)))

    assert arguments.encode() in CLAUDE.encode(ChatRequest(history, NO_LIMIT), True)


@pytest.mark.parametrize(
    ("messages", "place"),
    [
        pytest.param([say("assistant", "Hello!"), say("user", "Hi")], "messages[0]", id="assistant first"),
        pytest.param([say("system", "Be kind.")], "messages", id="no turn at all"),
        pytest.param([say("system", "Be kind."), say("user", "")], "messages[1]", id="empty user"),
        pytest.param([say("user", "Hi"), Message("tool", (Text("18"),))], "messages[1].tool_call_id", id="answer to nothing"),
        pytest.param(
            [say("user", "Hi"), Message("assistant", tool_calls=(ToolCall("c", "f", '{"a'),))],
            "messages[1].tool_calls[0].function.arguments",
            id="arguments cut short",
        ),
        pytest.param(
            [say("user", "Hi"), Message("assistant", tool_calls=(ToolCall("c", "f", "{}"), ToolCall("d", "f", "[1]")))],
            "messages[1].tool_calls[1].function.arguments",
            id="arguments that are no object",
        ),
        pytest.param(
            [say("user", "Hi"), Message("assistant", tool_calls=(ToolCall("c", "f", "[" * 100_000),))],
            "messages[1].tool_calls[0].function.arguments",
            id="arguments without a bottom",
        ),
    ],
)
def test_what_the_form_cannot_hold_is_refused_by_place(messages, place):
    """Nothing is invented and nothing lost: the caller is told which message to change."""
    with pytest.raises(UnsupportedContent) as refused:
        body_of(*messages)

    assert refused.value.parameter == place


def test_a_stop_string_of_white_space_is_not_sent():
    """Claude refuses a body with one; callers send bare newlines all the same, and the reader honours them."""
    request = ChatRequest((say("user", "Hi"),), Sampling(max_tokens=9, stop=("\n", "END", " \n")))
    silent = ChatRequest((say("user", "Hi"),), Sampling(max_tokens=9, stop=("\n",)))

    assert json.loads(CLAUDE.encode(request, True))["stop_sequences"] == ["END"]
    assert "stop_sequences" not in json.loads(CLAUDE.encode(silent, True))


def test_white_space_alone_is_no_text():
    """A blank part is left out and a blank turn of the assistant with it; a blank turn of the user is refused."""
    body = body_of(say("user", " \n", "Hi"), say("assistant", "\n"), say("user", "there"))

    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "there"}]}]
    with pytest.raises(UnsupportedContent):
        body_of(say("user", " \n"))


def test_an_open_ending_has_no_trailing_space():
    """An assistant's last turn is carried on by Claude, which refuses one that ends in white space; others keep theirs."""
    body = body_of(say("user", "Hi "), say("assistant", "One "), say("user", "Go on "), say("assistant", "Two \n"))

    assert [turn["content"][0]["text"] for turn in body["messages"]] == ["Hi ", "One ", "Go on ", "Two"]
