"""Calls out of text: every form, whole and streamed, and everything that only looks like one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.calls import Calls, called, calling, minted, offers
from adapters.chat import ChatRequest, Message, Text, ToolChoice, ToolSpec
from adapters.deltas import AssembledCall, Delta, Finish, Reply, ToolCallArguments, ToolCallStart, Usage, assemble
from adapters.deltas import Text as TextDelta

ASKED = (Message("user", (Text("What is the weather in Paris?"),)),)
TOOLS = (ToolSpec("get_weather", None, {}), ToolSpec("get-time", None, {}), ToolSpec("get", None, {}))
REQUEST = ChatRequest(ASKED, tools=TOOLS)
STOP = Finish("stop", "stop")


def whole(text: str, request: ChatRequest = REQUEST) -> Reply:
    return assemble(called([TextDelta(text), STOP], request))


def streamed(pieces: list[str], request: ChatRequest = REQUEST) -> list[list[Delta]]:
    calls = Calls(request)
    return [*(calls.through([TextDelta(piece)]) for piece in pieces), calls.through([STOP])]


def found(reply: Reply) -> list[tuple[str, str]]:
    return [(call.name, call.arguments) for call in reply.tool_calls]


PARIS = '{"city": "Paris"}'
CALL = '{"name": "get_weather", "parameters": {"city": "Paris"}}'
FORMS = [
    pytest.param(CALL, [("get_weather", PARIS)], id="llama"),
    pytest.param(f"\n\n {CALL} \n", [("get_weather", PARIS)], id="llama, white space around"),
    pytest.param(f"<|python_tag|>{CALL}", [("get_weather", PARIS)], id="llama, python_tag"),
    pytest.param(f'{CALL}; {{"name": "get-time"}}', [("get_weather", PARIS), ("get-time", "{}")], id="llama, several"),
    pytest.param(f'{CALL}\n{{"name": "get-time"}};', [("get_weather", PARIS), ("get-time", "{}")], id="llama, on two lines"),
    pytest.param('{"type": "function", "name": "get", "parameters": {}}', [("get", "{}")], id="llama, with a type"),
    pytest.param('{"arguments": {"a": "}{"}, "name": "get"}', [("get", '{"a": "}{"}')], id="arguments first"),
    pytest.param('{"name": "get", "parameters": null}', [("get", "{}")], id="no arguments"),
    pytest.param('{"name": "get", "arguments": "{\\"a\\": 1}"}', [("get", '{"a": 1}')], id="arguments as text"),
    pytest.param(
        '{"name": "get", "parameters": {"a": 1.50, "b": [1e9]}}', [("get", '{"a": 1.50, "b": [1e9]}')], id="to the letter"
    ),
    pytest.param('<function=get_weather>{"city": "Paris"}</function>', [("get_weather", PARIS)], id="function"),
    pytest.param('<function=get_weather> {"city": "Paris"} ', [("get_weather", PARIS)], id="function, not closed"),
    pytest.param("[get_weather(city='Paris'), get()]", [("get_weather", PARIS), ("get", "{}")], id="pythonic"),
    pytest.param('[get-time(zone="a, b)", at=-1.5)]', [("get-time", '{"zone": "a, b)", "at": -1.5}')], id="pythonic, a hyphen"),
    pytest.param(
        "<|python_tag|>[ get( a = True , b = None, c = {'k': [1, (2,)]}, d = false, ) ]",
        [("get", '{"a": true, "b": null, "c": {"k": [1, [2]]}, "d": false}')],
        id="pythonic, every literal",
    ),
    pytest.param(
        r"[get(a='it\'s \"\u00e9\x21\n\d')]", [("get", json.dumps({"a": "it's \"é!\n\\d"}, ensure_ascii=False))], id="escapes"
    ),
    pytest.param(f"<tool_call>\n{CALL}\n</tool_call>", [("get_weather", PARIS)], id="hermes"),
    pytest.param(
        f'<tool_call>\n{CALL}\n</tool_call>\n<tool_call>\n{{"name": "get", "arguments": {{}}}}\n</tool_call>',
        [("get_weather", PARIS), ("get", "{}")],
        id="hermes, several",
    ),
    pytest.param(f"<tool_call>{CALL}", [("get_weather", PARIS)], id="hermes, not closed"),
    pytest.param(
        f'[TOOL_CALLS] [{CALL}, {{"name": "get", "id": "abcdefghi"}}]', [("get_weather", PARIS), ("get", "{}")], id="mistral"
    ),
    pytest.param(f" [{CALL}]", [("get_weather", PARIS)], id="mistral, its token swallowed"),
    pytest.param(f"<|tool_call|>[{CALL}]", [("get_weather", PARIS)], id="granite"),
    pytest.param(f"<tool_call>[{CALL}]", [("get_weather", PARIS)], id="granite 3.1"),
    pytest.param(
        f"<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{PARIS}<|call|>",
        [("get_weather", PARIS)],
        id="harmony",
    ),
]


@pytest.mark.parametrize(("text", "calls"), FORMS)
def test_a_call_is_found_in_every_form(text, calls):
    """Name and arguments come out, nothing of what they were written in; the reason says that calls were made."""
    reply = whole(text)

    assert calls == found(reply)
    assert not reply.text
    assert Finish("tool_calls", "stop") == reply.finish
    assert all(isinstance(json.loads(call.arguments), dict) for call in reply.tool_calls)


@pytest.mark.parametrize(("text", "calls"), FORMS)
def test_a_call_is_found_letter_by_letter(text, calls):
    """The worst cut there is changes nothing, and nothing leaks out before the call is whole."""
    assert whole(text) == assemble([delta for deltas in streamed(list(text)) for delta in deltas])
    assert calls == found(whole(text))


@pytest.mark.parametrize(
    ("text", "said", "calls"),
    [
        (f"Let me look.\n<tool_call>\n{CALL}\n</tool_call>", "Let me look.\n", ["get_weather"]),
        ('I call <function=get>{"a": 1}</function> now.', "I call  now.", ["get"]),
        (f"{CALL}\n\nThat is the weather.", "\n\nThat is the weather.", ["get_weather"]),
        (f"<think>{CALL}", f"<think>{CALL}", []),
    ],
    ids=["before", "around", "after", "no opening in the middle"],
)
def test_prose_around_calls_stays(text, said, calls):
    """A marked call may stand anywhere, an unmarked one only where the reply begins; prose stays as it was."""
    reply = whole(text)

    assert said == reply.text
    assert calls == [call.name for call in reply.tool_calls]


NOT_CALLS = [
    pytest.param('{"name": "get_moon", "parameters": {}}', id="a tool that nobody offered"),
    pytest.param('{"name": "get_weather", "age": 3}', id="an answer with a name"),
    pytest.param('{"name": "get_weather", "parameters": {"city": "Par', id="cut off"),
    pytest.param('{"name": "get", "parameters": {}, "arguments": {}}', id="arguments twice"),
    pytest.param('{"name": "get", "parameters": [1]}', id="arguments that are a list"),
    pytest.param('{"name": "get", "arguments": "Paris"}', id="arguments that are a text"),
    pytest.param('{"name": "get", "parameters": {"a": 01}}', id="a number that is none"),
    pytest.param('{"name": "get", "parameters": {"a": "x\ny"}}', id="a line's end in a string"),
    pytest.param('{"name": "get", "parameters": {"a": 1]}', id="brackets that do not match"),
    pytest.param('{"city": "Paris"}', id="another answer in JSON"),
    pytest.param("{}", id="an empty object"),
    pytest.param("[]", id="an empty list"),
    pytest.param("[1, 2, 3] are numbers", id="a list of numbers"),
    pytest.param('["get"]', id="a list of strings"),
    pytest.param("[get]", id="a name in brackets"),
    pytest.param("[get](https://example.com)", id="a link"),
    pytest.param("[get(1)]", id="an argument without a name"),
    pytest.param("[get(a=1, a=2)]", id="an argument twice"),
    pytest.param("[get(a=f())]", id="a call inside a call"),
    pytest.param("[get(a={1: 2})]", id="a key that is no string"),
    pytest.param("[get(a=1e999)]", id="a number beyond numbers"),
    pytest.param(r"[get(a='\ud800')]", id="half a character"),
    pytest.param(f"[get(a={'[' * 90}{']' * 90})]", id="too deep"),
    pytest.param(f"[get(a={'9' * 5000})]", id="too many digits"),
    pytest.param("<|python_tag|>print(1)", id="a program"),
    pytest.param("<function=get_moon>{}</function>", id="a function that nobody offered"),
    pytest.param("<function=get>[1]</function>", id="a function with a list"),
    pytest.param("<tool_call>get_weather</tool_call>", id="no JSON in a tool_call"),
    pytest.param("a < b and [TOOL", id="the beginning of a mark"),
    pytest.param(" \n", id="white space"),
    pytest.param("An ordinary answer; nothing more.", id="prose"),
]


@pytest.mark.parametrize("text", NOT_CALLS)
def test_what_is_no_call_is_text_to_the_letter(text):
    """Nothing is lost and nothing is made up: a broken call is what the model said."""
    reply = whole(text)

    assert text == reply.text
    assert reply.tool_calls == ()
    assert reply.finish == STOP
    assert reply == assemble([delta for deltas in streamed(list(text)) for delta in deltas])


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["The", " weather"], ["The", " weather"]),
        (["  ", "The"], ["", "  The"]),
        (["a <", "b"], ["a ", "<b"]),
        (["a <tool_", "box>"], ["a ", "<tool_box>"]),
        (['{"ci', "ty"], ['{"ci', "ty"]),
        (['{"na', 'me": "Ann'], ["", '{"name": "Ann']),
        (['{"name": "get_w', "ar"], ["", '{"name": "get_war']),
        (['{"name": "get", ', '"age'], ["", '{"name": "get", "age']),
        (["[", "1"], ["", "[1"]),
        (["[get", "s"], ["", "[gets"]),
        (["<tool_call>", " no"], ["", "<tool_call> no"]),
        (["<function=get", "_moon"], ["", "<function=get_moon"]),
    ],
)
def test_text_is_held_only_while_it_may_be_a_call(pieces, shown):
    """Prose passes at once; a text that looked like a call leaves with the first letter that no call has."""
    passed = [assemble(deltas).text for deltas in streamed(pieces)]

    assert shown == passed[: len(pieces)]


FRAGMENTS = st.sampled_from([
    "Hi ", " ", "\n", ";", "{", "}", "[", "]", '"', "\\", "<", CALL, CALL[:-1], '{"name": "get"}', '{"name": "', "get", "_weather",
    '", "parameters": ', "{}", "[get(a='x')]", "[get(", "a=1", ")", "<tool_call>", "</tool_call>", "<function=get>", "</function>",
    "[TOOL_CALLS]", "<|python_tag|>", "<|tool_call|>", "<|channel|>commentary to=functions.", "<|message|>", "<|call|>", "é",
])  # fmt: skip


@given(text=st.lists(FRAGMENTS, max_size=12).map("".join), data=st.data())
def test_however_the_text_is_cut_the_same_comes_out(text, data):
    """Streamed equals whole, in text, calls, ids and reason, for any cut of anything."""
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]

    assert whole(text) == assemble([delta for deltas in streamed(pieces) for delta in deltas])


@given(text=st.lists(FRAGMENTS, max_size=12).map("".join))
def test_text_without_a_call_is_untouched(text):
    """Where no call is found the text is the model's, to the letter."""
    reply = whole(text)

    assert reply.tool_calls or reply.text == text


@given(
    arguments=st.dictionaries(
        st.text(max_size=5),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
            max_leaves=8,
        ),
        max_size=4,
    )
)
def test_any_arguments_survive(arguments):
    """Whatever JSON a caller's schema allows comes out as it went in."""
    written = json.dumps(arguments, ensure_ascii=False)
    reply = whole(f'{{"name": "get", "parameters": {written}}}')

    assert [("get", written)] == found(reply)


def test_one_call_only_where_the_caller_says_so():
    """``parallel_tool_calls: false`` is at most one call, whatever the model makes of it."""
    one = ChatRequest(ASKED, tools=TOOLS, parallel_tool_calls=False)

    assert found(whole("[get(), get_weather()]", one)) == [("get", "{}")]
    assert found(whole('{"name": "get"}; {"name": "get-time"}', one)) == [("get", "{}")]


def test_calls_of_the_upstreams_own_keep_their_place():
    """Indexes stay dense where a server found one call itself and left another in the text."""
    deltas: list[Delta] = [
        TextDelta('<tool_call>{"name": "get"}</tool_call>'), ToolCallStart(0, "call_1", "get_weather"), ToolCallArguments(0, PARIS),
        Finish("tool_calls", "tool_calls"), Usage(1, 2),
    ]  # fmt: skip
    reply = assemble(called(deltas, REQUEST))

    assert [call.name for call in reply.tool_calls] == ["get", "get_weather"]
    assert reply.tool_calls[1] == AssembledCall("call_1", "get_weather", PARIS)
    assert reply.usage == Usage(1, 2)


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_a_reason_that_matters_more_stays(reason):
    """A reply that was cut or blocked says so, calls or not."""
    assert assemble(called([TextDelta(CALL), Finish(reason)], REQUEST)).finish == Finish(reason)


def test_ids_are_the_same_for_the_same_reply_and_no_other():
    """Made of the call and of the conversation's length: never the same twice in one conversation."""
    later = ChatRequest((*ASKED, *ASKED), tools=TOOLS)

    assert minted(REQUEST, 0, "get", "{}") == minted(REQUEST, 0, "get", "{}")
    assert len({minted(REQUEST, 0, "get", "{}"), minted(REQUEST, 1, "get", "{}"), minted(later, 0, "get", "{}")}) == 3


@pytest.mark.parametrize(
    ("request_", "looked_for"),
    [
        (REQUEST, True),
        (ChatRequest(ASKED), False),
        (ChatRequest(ASKED, tools=TOOLS, tool_choice=ToolChoice("none")), False),
        (ChatRequest(ASKED, tools=TOOLS, tool_choice=ToolChoice("auto")), True),
    ],
    ids=["tools", "no tools", "none", "auto"],
)
def test_calls_are_looked_for_only_where_they_may_be_made(request_, looked_for):
    """Without tools, or with ``tool_choice: none``, the reader itself is used and no text is ever held."""
    reader = object()

    assert looked_for == offers(request_)
    assert (calling(reader, request_) is not reader) == looked_for
    assert (called([TextDelta(CALL), STOP], request_) == [TextDelta(CALL), STOP]) == (not looked_for)
