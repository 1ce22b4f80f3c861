"""Claude's request body against golden ones, and what its form cannot hold."""

import json

import pytest

from adapters import FAMILIES
from adapters.chat import (
    CachePoint,
    ChatRequest,
    Document,
    Image,
    Message,
    Reasoning,
    ResponseFormat,
    Sampling,
    Text,
    ToolCall,
    ToolChoice,
    ToolSpec,
)
from adapters.errors import InvalidParameter, UnsupportedContent

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


CLOCK = ToolSpec("get_time", "The time", {"type": "object", "properties": {"zone": {"type": "string"}}})
ROOMS = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "rooms": {"type": "array", "items": {"type": "integer"}}},
    "required": ["city", "rooms"],
    "additionalProperties": False,
}
BOOKING = ResponseFormat("json_schema", "booking", ROOMS, strict=True)


def test_thoughts_sent_back_are_the_golden_ones(golden_body):
    """Thoughts stand before the call that they led to, with their seals; a failed result says so, and may hold an image."""
    messages = (
        say("user", "What time is it?"),
        Message(
            "assistant",
            (Reasoning("I need a clock.", "c2ln"), Reasoning(redacted="cmVkYWN0ZWQ="), Text("Let me look.")),
            tool_calls=(ToolCall("toolu_bdrk_01A", "get_time", '{"zone": "UTC"}'),),
        ),
        Message(
            "tool", (Text("No such zone:"), Image("image/png", "iVBORw0KGgo=")), tool_call_id="toolu_bdrk_01A", is_error=True
        ),
    )
    sampling = Sampling(max_tokens=4096, temperature=1, reasoning_effort="medium")
    golden = json.loads(golden_body("claude/thinking.request"))

    assert golden == json.loads(CLAUDE.encode(ChatRequest(messages, sampling, tools=(CLOCK,)), True))
    assert golden == json.loads(
        CLAUDE.encode(ChatRequest(messages, Sampling(4096, temperature=1, reasoning_tokens=2048), tools=(CLOCK,)), True)
    )


def test_cache_points_are_the_golden_ones(golden_body):
    """Each marks the block before it, wherever that stands: in the system text, a tool, a turn, a result."""
    messages = (
        Message("system", (Text("The rules of the house."), CachePoint("1h"))),
        say("system", "Be brief."),
        Message("user", (Text("A long story."), CachePoint(), Text("Who did it?"))),
        Message("assistant", tool_calls=(ToolCall("toolu_bdrk_01A", "get_time", ""),)),
        Message("tool", (Text("Noon"), CachePoint()), tool_call_id="toolu_bdrk_01A"),
    )
    tool = ToolSpec(CLOCK.name, CLOCK.description, CLOCK.parameters, cache_point=CachePoint("1h"))
    request = ChatRequest(messages, Sampling(max_tokens=256, top_k=40), tools=(tool,))

    assert json.loads(golden_body("claude/cached.request")) == json.loads(CLAUDE.encode(request, False))


def test_a_cache_point_marks_what_is_before_it():
    """At the front of a turn it marks the turn before, at the front of all turns the system text; thoughts cannot be marked."""
    body = body_of(
        say("system", "Be brief."),
        Message("user", (CachePoint(), Text("Hi"))),
        Message("assistant", (Reasoning("Hm", "c2ln"), CachePoint(), Text("Hello"))),
        Message("user", (CachePoint("5m"), Text("And?"))),
    )
    user, assistant, _ = body["messages"]

    assert body["system"] == [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    assert user["content"] == [{"type": "text", "text": "Hi"}]
    assert assistant["content"] == [
        {"type": "thinking", "thinking": "Hm", "signature": "c2ln"},
        {"type": "text", "text": "Hello", "cache_control": {"type": "ephemeral", "ttl": "5m"}},
    ]


def test_documents_are_the_golden_ones(golden_body):
    """PDF goes out as it is, text of every kind as text."""
    parts = (
        Document("application/pdf", "JVBERi0xLjQK", "Rules"),
        Document("text/plain", "Breakfast at seven."),
        Document("text/csv", "YSxiCjEsMgo="),
        Text("When is breakfast?"),
    )
    request = ChatRequest((Message("user", parts),), NO_LIMIT)

    assert json.loads(golden_body("claude/documents.request")) == json.loads(CLAUDE.encode(request, False))


@pytest.mark.parametrize(
    "document", [Document("application/msword", "AA=="), Document("text/csv", "/w=="), Document("text/csv", "?")]
)
def test_a_document_that_claude_cannot_read_is_refused_by_place(document):
    """Another type, or text that is none."""
    with pytest.raises(UnsupportedContent, match=document.media_type) as refused:
        body_of(Message("user", (Text("See"), document)))

    assert refused.value.parameter == "messages[0].content[1]"


def test_a_format_by_a_hidden_tool_is_the_golden_one(golden_body):
    """Trap 15: without tools of the caller's the answer's tool is forced."""
    assert json.loads(golden_body("claude/answer.request")) == body_of(say("user", "Which rooms?"), response_format=BOOKING)


def test_a_format_beside_tools_is_the_golden_one(golden_body):
    """Trap 16: beside the caller's tools it is offered, and the model told how to end."""
    messages = (say("system", "Be brief."), say("user", "Which rooms?"))

    assert json.loads(golden_body("claude/offered.request")) == body_of(*messages, tools=(CLOCK,), response_format=BOOKING)


def test_a_native_format_is_the_golden_one(golden_body):
    """Since 4.5 Claude enforces a strict schema, and strict tools."""
    tool = ToolSpec(CLOCK.name, CLOCK.description, CLOCK.parameters, strict=True)
    request = ChatRequest((say("user", "Which rooms?"),), NO_LIMIT, tools=(tool,), response_format=BOOKING)

    assert json.loads(golden_body("claude_4_5/format.request")) == json.loads(FAMILIES["claude_4_5"].encode(request, True))
    assert "strict" not in json.loads(CLAUDE.encode(request, True))["tools"][0]


def test_nothing_is_forced_while_claude_thinks():
    """A forced call and thinking exclude each other: the hidden tool is offered then, with tools and without."""
    for tools in ((), (CLOCK,)):
        sampling = Sampling(max_tokens=4096, reasoning_effort="low")
        body = json.loads(CLAUDE.encode(ChatRequest((say("user", "Hi"),), sampling, tools, response_format=BOOKING), True))

        assert body["tools"][-1]["name"] == "final_answer"
        assert "final_answer" in body["system"]
        assert "tool_choice" not in body


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


@pytest.mark.parametrize(
    ("effort", "most", "budget"),
    [
        ("none", 4096, None),
        ("minimal", 4096, 1024),
        ("low", 8000, 1600),
        ("medium", 8000, 4000),
        ("high", 8000, 6400),
        ("xhigh", 8000, 7200),
        ("max", 8000, 7600),
        ("max", 1025, 1024),
    ],
)
def test_an_effort_is_a_share_of_the_ceiling(effort, most, budget):
    """Every word leaves room for an answer, and none asks for less than Claude's least."""
    body = json.loads(CLAUDE.encode(ChatRequest((say("user", "Hi"),), Sampling(max_tokens=most, reasoning_effort=effort)), True))

    assert body.get("thinking") == (None if budget is None else {"type": "enabled", "budget_tokens": budget})


@pytest.mark.parametrize(
    ("sampling", "said"),
    [
        (Sampling(max_tokens=1024, reasoning_effort="low"), 'reasoning_effort "low"'),
        (Sampling(max_tokens=2000, reasoning_tokens=2000), "reasoning_tokens 2000"),
    ],
)
def test_a_budget_without_room_for_an_answer_is_refused(sampling, said):
    """The ceiling is never raised and the budget never cut: the caller is told which number to change."""
    with pytest.raises(InvalidParameter, match=said) as refused:
        CLAUDE.encode(ChatRequest((say("user", "Hi"),), sampling), True)

    assert refused.value.parameter == "max_tokens"


THINKING = Sampling(max_tokens=4096, reasoning_effort="low")
CALLING = Message("assistant", (Text("Let me look."),), (ToolCall("1", "get_time", "{}"),))
RESULT = Message("tool", (Text("Noon"),), tool_call_id="1")


@pytest.mark.parametrize("choice", [ToolChoice("required"), ToolChoice("named", "get_time")])
def test_a_forced_call_is_refused_while_claude_thinks(choice):
    """By name, since dropping either would change the answer."""
    with pytest.raises(InvalidParameter, match="reasoning_effort") as refused:
        CLAUDE.encode(ChatRequest((say("user", "Hi"),), THINKING, (CLOCK,), choice), True)

    assert refused.value.parameter == "tool_choice"


@pytest.mark.parametrize(
    ("messages", "place"),
    [
        ((say("user", "Hi"), CALLING, RESULT), "messages[1]"),
        ((say("user", "Hi"), say("assistant", "One")), "messages[1]"),
    ],
    ids=["results without thoughts", "an open ending"],
)
def test_what_thinking_cannot_go_on_from_is_refused_by_place(messages, place):
    """Claude wants its thoughts before the calls that are answered now, and carries on no turn of its own."""
    with pytest.raises(UnsupportedContent) as refused:
        CLAUDE.encode(ChatRequest(messages, THINKING, (CLOCK,)), True)

    assert refused.value.parameter == place


def test_older_turns_need_no_thoughts():
    """Only the calls that are answered now do."""
    messages = (say("user", "Hi"), CALLING, RESULT, say("assistant", "Noon."), say("user", "Thanks"))

    assert len(json.loads(CLAUDE.encode(ChatRequest(messages, THINKING, (CLOCK,)), True))["messages"]) == 5


def test_a_turn_of_thoughts_alone_is_left_out():
    """It thought and said nothing: Claude refuses a turn that ends in a thought."""
    body = body_of(say("user", "Hi"), Message("assistant", (Reasoning("Hm", "c2ln"),)), say("user", "Well?"))

    assert [turn["role"] for turn in body["messages"]] == ["user"]
