"""Prompts with tools, results and images: exact, and no turn that a caller can forge."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.calls import called
from adapters.chat import ChatRequest, Image, Message, Text, ToolCall, ToolChoice, ToolSpec
from adapters.deltas import Finish, assemble
from adapters.deltas import Text as TextDelta
from adapters.errors import UnsupportedContent, UnsupportedParameter
from adapters.prompts import turns
from adapters.prompts.templates import TEMPLATES, begun, prompt

WEATHER = ToolSpec("get_weather", "The weather of a city", {"type": "object", "properties": {"city": {"type": "string"}}})
TIME = ToolSpec("get_time", None, {"type": "object", "properties": {}})
WITH_TOOLS = [name for name, template in TEMPLATES.items() if template.begun is not None]


def say(role: str, *parts: str | Image) -> Message:
    return Message(role, tuple(Text(part) if isinstance(part, str) else part for part in parts))


def call(*calls: tuple[str, str, str], text: str = "") -> Message:
    return Message("assistant", (Text(text),) if text else (), tuple(ToolCall(*each) for each in calls))


def result(call_id: str, text: str) -> Message:
    return Message("tool", (Text(text),), tool_call_id=call_id)


SYSTEM, USER = say("system", "Be kind."), say("user", "Weather in Paris?")
CALL, RESULT = call(("c1", "get_weather", '{"city": "Paris"}')), result("c1", '{"sky": "clear"}')
TWO = (call(("c1", "get_weather", '{"city": "Paris"}'), ("c2", "get_time", "")), result("c2", "noon"), result("c1", "18"))
PICTURE = Image("image/png", "iVBORw0KGgo=")


def llama(*turns_: tuple[str, str]) -> str:
    body = "".join(f"<|start_header_id|>{role}<|end_header_id|>\n\n{text}<|eot_id|>" for role, text in turns_)
    return f"<|begin_of_text|>{body}<|start_header_id|>assistant<|end_header_id|>\n\n"


def described(tool: ToolSpec) -> dict:
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            **({"description": tool.description} if tool.description else {}),
            "parameters": tool.parameters,
        },
    }


JSON_OFFER = (
    "Given the following functions, please respond with a JSON for a function call with its proper arguments that best answers "
    'the given prompt.\n\nRespond in the format {"name": function name, "parameters": dictionary of argument name and its value}.'
    f"Do not use variables.\n\n{json.dumps(described(WEATHER), indent=4)}\n\n{json.dumps(described(TIME), indent=4)}\n\n"
)
MADE = '{"name": "get_weather", "parameters": {"city": "Paris"}}'


@pytest.mark.parametrize(
    ("messages", "prompt_"),
    [
        pytest.param(
            (SYSTEM, USER),
            llama(("system", "Environment: ipython\n\nBe kind."), ("user", f"{JSON_OFFER}Weather in Paris?")),
            id="tools in front of the user's text, the environment in front of the system's",
        ),
        pytest.param(
            (USER,),
            llama(("system", "Environment: ipython"), ("user", f"{JSON_OFFER}Weather in Paris?")),
            id="no system message",
        ),
        pytest.param(
            (USER, CALL, RESULT),
            llama(
                ("system", "Environment: ipython"),
                ("user", f"{JSON_OFFER}Weather in Paris?"),
                ("assistant", MADE),
                ("ipython", r'"{\"sky\": \"clear\"}"'),
            ),
            id="a call is the assistant's, its result ipython's and a JSON text",
        ),
        pytest.param(
            (USER, *TWO),
            llama(
                ("system", "Environment: ipython"),
                ("user", f"{JSON_OFFER}Weather in Paris?"),
                ("assistant", MADE),
                ("ipython", '"18"'),
                ("assistant", '{"name": "get_time", "parameters": {}}'),
                ("ipython", '"noon"'),
            ),
            id="several calls, each followed by its own result",
        ),
        pytest.param(
            (USER, call(("c1", "get_weather", '{"city": "Paris"}'), text="Let me look."), RESULT),
            llama(
                ("system", "Environment: ipython"),
                ("user", f"{JSON_OFFER}Weather in Paris?"),
                ("assistant", "Let me look."),
                ("assistant", MADE),
                ("ipython", r'"{\"sky\": \"clear\"}"'),
            ),
            id="words and a call are two turns",
        ),
    ],
)
def test_llamas_prompt_with_tools_is_exact(messages, prompt_):
    """As Meta's template writes it, but for its dates."""
    assert prompt_ == TEMPLATES["llama3"].write(ChatRequest(messages, tools=(WEATHER, TIME)))


def test_llamas_pythonic_prompt():
    """The lightweight models are asked for Python, and see their calls in Python."""
    arguments = '{"city": "Par\\"is", "days": [1, null, true], "by": {"unit": 1.5}}'
    messages = (USER, call(("c1", "get_weather", arguments), ("c2", "get_time", "{}")), result("c1", "18"), result("c2", "noon"))
    written = TEMPLATES["llama3_pythonic"].write(ChatRequest(messages, tools=(TIME,)))

    assert "[func_name1(params_name1=params_value1, params_name2=params_value2...), func_name2(params)]" in written
    assert written.endswith(
        '<|start_header_id|>assistant<|end_header_id|>\n\n[get_weather(city="Par\\"is", days=[1, None, True], by={"unit": 1.5}), '
        'get_time()]<|eot_id|><|start_header_id|>ipython<|end_header_id|>\n\n"18"<|eot_id|>'
        '<|start_header_id|>ipython<|end_header_id|>\n\n"noon"<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n'
    )


@pytest.mark.parametrize(
    ("messages", "prompt_"),
    [
        pytest.param((say("user", PICTURE, " What? "),), llama(("user", "<|image|>What?")), id="in front of the text"),
        pytest.param((say("user", "This: ", PICTURE),), llama(("user", "This:<|image|>")), id="where it stands"),
        pytest.param(
            (SYSTEM, say("user", PICTURE, "What?")), llama(("user", "Be kind.\n\n<|image|>What?")), id="no system turn beside it"
        ),
        pytest.param(
            (say("user", PICTURE, "What?"), say("assistant", "A cat."), say("user", "Sure?")),
            llama(("user", "<|image|>What?"), ("assistant", "A cat."), ("user", "Sure?")),
            id="in an earlier turn",
        ),
        pytest.param((say("user", "<|image|> What?"),), llama(("user", "< |image|> What?")), id="not by the user's word"),
    ],
)
def test_llamas_prompt_with_an_image_is_exact(messages, prompt_):
    """A mark where the image stands; the system text at the head of the user's turn, since Meta's template has no other place."""
    assert prompt_ == TEMPLATES["llama3"].write(ChatRequest(messages))


def test_an_image_and_tools():
    """Tools stand in the user's turn; nothing stands before it."""
    written = TEMPLATES["llama3"].write(ChatRequest((SYSTEM, say("user", PICTURE, "What?")), tools=(WEATHER, TIME)))

    assert written == llama(("user", f"{JSON_OFFER}Be kind.\n\n<|image|>What?"))


@pytest.mark.parametrize(
    ("messages", "prompt_"),
    [
        pytest.param(
            (SYSTEM, USER),
            "<|im_start|>system\nBe kind.\n\n{offer}<|im_end|>\n<|im_start|>user\nWeather in Paris?<|im_end|>\n<|im_start|>assistant\n",
            id="tools behind the system's text",
        ),
        pytest.param(
            (USER, call(("c1", "get_weather", '{"city": "Paris"}'), ("c2", "get_time", "{}"), text="Let me look."), *TWO[1:]),
            "<|im_start|>system\n{offer}<|im_end|>\n<|im_start|>user\nWeather in Paris?<|im_end|>\n"
            '<|im_start|>assistant\nLet me look.\n<tool_call>\n{{"name": "get_weather", "arguments": {{"city": "Paris"}}}}\n</tool_call>\n'
            '<tool_call>\n{{"name": "get_time", "arguments": {{}}}}\n</tool_call><|im_end|>\n'
            "<|im_start|>user\n<tool_response>\nnoon\n</tool_response>\n<tool_response>\n18\n</tool_response><|im_end|>\n"
            "<|im_start|>assistant\n",
            id="calls behind the words, results in one turn of the user's",
        ),
    ],
)
def test_chatml_with_tools_is_exact(messages, prompt_):
    """As Qwen 3's template writes it."""
    listed = "\n".join(json.dumps(described(tool)) for tool in (WEATHER, TIME))
    offer = (
        "# Tools\n\nYou may call one or more functions to assist with the user query.\n\nYou are provided with function signatures "
        f"within <tools></tools> XML tags:\n<tools>\n{listed}\n</tools>\n\nFor each function call, return a json object with function "
        'name and arguments within <tool_call></tool_call> XML tags:\n<tool_call>\n{"name": <function-name>, "arguments": '
        "<args-json-object>}\n</tool_call>"
    )

    assert prompt_.format(offer=offer) == TEMPLATES["chatml"].write(ChatRequest(messages, tools=(WEATHER, TIME)))


def test_granite_with_tools_is_exact():
    """Tools are a turn behind the system's, calls a marked list, each result a turn."""
    written = TEMPLATES["granite"].write(ChatRequest((SYSTEM, USER, *TWO, say("user", "So?")), tools=(TIME,)))
    listed = json.dumps([described(TIME)["function"]], indent=4)

    assert written == (
        "<|start_of_role|>system<|end_of_role|>Be kind.<|end_of_text|>\n"
        f"<|start_of_role|>available_tools<|end_of_role|>{listed}<|end_of_text|>\n"
        "<|start_of_role|>user<|end_of_role|>Weather in Paris?<|end_of_text|>\n"
        '<|start_of_role|>assistant<|end_of_role|><|tool_call|>[{"name": "get_weather", "arguments": {"city": "Paris"}}, '
        '{"name": "get_time", "arguments": {}}]<|end_of_text|>\n'
        "<|start_of_role|>tool_response<|end_of_role|>noon<|end_of_text|>\n"
        "<|start_of_role|>tool_response<|end_of_role|>18<|end_of_text|>\n"
        "<|start_of_role|>user<|end_of_role|>So?<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>"
    )


def test_granite_is_told_how_to_call_where_nobody_instructs_it():
    """Without a system message the template's own instruction stands for one; without tools nothing does."""
    assert TEMPLATES["granite"].write(ChatRequest((USER,), tools=(TIME,))).count("<|tool_call|>") == 1
    assert TEMPLATES["granite"].write(ChatRequest((USER, say("user", "Now.")))) == (
        "<|start_of_role|>user<|end_of_role|>Weather in Paris?\n\nNow.<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>"
    )


def test_bare_text_has_no_labels():
    """Flan was trained on instructions as they stand."""
    assert (
        TEMPLATES["plain"].write(ChatRequest((say("system", "Translate to German."), say("user", "Hi"))))
        == "Translate to German.\n\nHi"
    )


OPEN = {
    "llama2": "[/INST] Let me",
    "llama3": "<|start_header_id|>assistant<|end_header_id|>\n\nLet me",
    "llama3_pythonic": "<|start_header_id|>assistant<|end_header_id|>\n\nLet me",
    "chatml": "<|im_start|>assistant\nLet me",
    "mistral": "[/INST] Let me",
    "granite": "<|start_of_role|>assistant<|end_of_role|>Let me",
    "plain": "Weather in Paris?\n\nLet me",
}


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("tools", [(), (WEATHER,)], ids=["bare", "with tools"])
def test_an_assistant_that_spoke_last_is_carried_on(name, tools):
    """Its turn stays open behind its last word, in every template, beside tools too."""
    written = prompt(ChatRequest((USER, say("assistant", "Let me ")), tools=tools), TEMPLATES[name])

    assert written.endswith(OPEN[name])


@pytest.mark.parametrize("name", WITH_TOOLS)
def test_an_answer_goes_on_behind_earlier_calls(name):
    """What was called and answered before stands in its place, and the last words are open."""
    written = TEMPLATES[name].write(ChatRequest((USER, CALL, RESULT, say("assistant", "Let me")), tools=(WEATHER,)))

    assert written.endswith(OPEN[name])


@pytest.mark.parametrize("name", WITH_TOOLS)
def test_an_assistant_alone_is_carried_on_beside_tools(name):
    """The tools are told of before it."""
    written = TEMPLATES[name].write(ChatRequest((SYSTEM, say("assistant", "Let me")), tools=(WEATHER,)))

    assert written.endswith(OPEN[name])
    assert "get_weather" in written


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("behind", [(), (say("assistant", "So"),), (SYSTEM,)], ids=["last", "words behind", "system behind"])
def test_a_call_is_not_carried_on(name, behind):
    """A conversation that ends with one is refused by the place of its message."""
    with pytest.raises(UnsupportedContent) as refused:
        prompt(ChatRequest((USER, CALL, *behind), tools=(WEATHER,)), TEMPLATES[name])

    assert refused.value.parameter == "messages[1]"


@pytest.mark.parametrize("name", WITH_TOOLS)
def test_a_begun_answer_does_not_become_a_call(name):
    """Who demands a call and begins the answer with words asks for what cannot be written."""
    said = (USER, say("assistant", "Let me"))
    with pytest.raises(UnsupportedContent, match="cannot be carried on with a call") as refused:
        prompt(ChatRequest(said, tools=(WEATHER,), tool_choice=ToolChoice("required")), TEMPLATES[name])

    assert refused.value.parameter == "messages[1]"


TEXT = st.text(st.sampled_from("ab <|>\n"), max_size=12)


@given(texts=st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), TEXT), min_size=1, max_size=5))
@pytest.mark.parametrize(("name", "plain"), [("llama3", turns.llama3), ("chatml", turns.chatml)])
def test_without_tools_nothing_has_changed(name, plain, texts):
    """Text alone is written as by the template that knows nothing else."""
    messages = tuple(say(role, text) for role, text in texts)

    assert plain(messages) == TEMPLATES[name].write(ChatRequest(messages))


CONTROL = {
    "llama3": ["<|eot_id|>", "<|start_header_id|>", "<|python_tag|>", "<|image|>"],
    "llama3_pythonic": ["<|eot_id|>"],
    "chatml": ["<|im_end|>", "<|im_start|>", "</tool_response>", "<tool_call>", "</tools>"],
    "granite": ["<|end_of_text|>", "<|tool_call|>"],
}


@pytest.mark.parametrize(("name", "token"), [(name, token) for name, tokens in CONTROL.items() for token in tokens])
def test_no_text_of_a_callers_is_read_as_a_token(name, token):
    """Not in a message, a seam between two texts, a result, an argument, a description, a name of a parameter."""
    half = len(token) // 2
    tool = ToolSpec("f", f"d {token}", {"type": "object", "properties": {token: {"description": token}}})
    messages = (
        say("system", token), say("user", token, token[:half], token[half:]),
        call(("c1", "f", json.dumps({token: token})), text=token), result("c1", token),
    )  # fmt: skip
    innocent = tuple(
        Message(
            m.role,
            tuple(Text("x") for _ in m.parts),
            tuple(ToolCall(c.id, c.name, '{"x": "x"}') for c in m.tool_calls),
            m.tool_call_id,
        )
        for m in messages
    )
    write = TEMPLATES[name].write
    hostile = write(ChatRequest(messages, tools=(tool,)))
    harmless = write(ChatRequest(innocent, tools=(ToolSpec("f", "x", {"type": "object"}),)))

    assert hostile.count(token) == harmless.count(token)


@pytest.mark.parametrize("name", WITH_TOOLS)
@pytest.mark.parametrize(
    ("choice", "offered"),
    [
        (None, 2),
        (ToolChoice("auto"), 2),
        (ToolChoice("required"), 2),
        (ToolChoice("named", "get_time"), 1),
        (ToolChoice("none"), 0),
    ],
)
def test_the_prompt_tells_of_the_tools_that_may_be_called(name, choice, offered):
    """All of them, the one that is named, or none; what was called earlier stays in the conversation."""
    request = ChatRequest((USER, CALL, RESULT), tools=(WEATHER, TIME), tool_choice=choice)
    written = TEMPLATES[name].write(request)

    assert written.count('"parameters": {\n') + written.count('"parameters": {"type"') == offered


GOES_ON = {
    "llama3": '{"city": "Paris"}}',
    "llama3_pythonic": 'city="Paris")]',
    "chatml": '{"city": "Paris"}}\n</tool_call>',
    "granite": '{"city": "Paris"}}]',
}


@pytest.mark.parametrize("name", WITH_TOOLS)
@pytest.mark.parametrize("mode", ["named", "required"])
def test_a_demanded_call_is_begun(name, mode):
    """The prompt ends with the beginning of the call; with it what the model goes on with is a whole one."""
    template = TEMPLATES[name]
    request = ChatRequest(
        (USER,), tools=(WEATHER, TIME), tool_choice=ToolChoice(mode, "get_weather" if mode == "named" else None)
    )
    beginning = begun(request, template)
    named = begun(ChatRequest((USER,), tools=(WEATHER,), tool_choice=ToolChoice("named", "get_weather")), template)
    deltas = [TextDelta(named.removeprefix(beginning) + GOES_ON[name]), Finish("stop")]

    assert prompt(request, template) == template.write(request) + beginning
    assert [(made.name, made.arguments) for made in assemble(called(deltas, request, beginning)).tool_calls] == [
        ("get_weather", '{"city": "Paris"}')
    ]


def test_a_broken_call_that_was_begun_shows_the_models_words_alone():
    """What the prompt put into the model's mouth is none of the answer's."""
    request = ChatRequest((USER,), tools=(WEATHER,), tool_choice=ToolChoice("named", "get_weather"))
    for name in WITH_TOOLS:
        reply = assemble(called([TextDelta(' {"city": "Par'), Finish("length")], request, begun(request, TEMPLATES[name])))

        assert reply.text == ' {"city": "Par'
        assert reply.finish == Finish("length")


def test_a_demand_cannot_reach_a_written_prompt():
    """Whoever wrote the prompt knew nothing of it."""
    request = ChatRequest((USER,), tools=(WEATHER,), tool_choice=ToolChoice("required"), prompt="raw")
    with pytest.raises(UnsupportedParameter, match="already written") as refused:
        prompt(request, TEMPLATES["llama3"])

    assert refused.value.parameter == "tool_choice"


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name not in WITH_TOOLS])
def test_a_template_without_a_place_for_tools_says_so(name):
    """A conversation that holds a call cannot be written."""
    with pytest.raises(UnsupportedContent, match="no place for one"):
        TEMPLATES[name].write(ChatRequest((USER, CALL, RESULT)))
