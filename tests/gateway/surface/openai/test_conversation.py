"""OpenAI's messages as canonical ones, and the conversations that OpenAI refuses, too."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.chat import CachePoint, Document, Message, Reasoning, Text, ToolCall
from gateway.errors import InvalidRequest
from gateway.keys.model import Key
from gateway.surface.answering import Arrival
from gateway.surface.openai.bodies import nested_too_deep
from gateway.surface.openai.parse import parse_chat

KEY = Key(id="k", name="n", owner="o", hash="0" * 64)
HI = {"role": "user", "content": "hi"}


def call_of(identity: str, arguments: str = "{}") -> dict:
    return {"id": identity, "type": "function", "function": {"name": "f", "arguments": arguments}}


def calls(*identities: str) -> dict:
    return {"role": "assistant", "content": None, "tool_calls": [call_of(identity) for identity in identities]}


def result(identity: str) -> dict:
    return {"role": "tool", "tool_call_id": identity, "content": "done"}


def request_of(*messages: dict, **fields: object):
    body = json.dumps({"model": "m", "messages": messages} | fields).encode()
    return parse_chat(body, Arrival("r", KEY, 0.0)).request


def read(*messages: dict) -> tuple[Message, ...]:
    return request_of(*messages).messages


def refused(*messages: dict) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        read(*messages)
    return caught.value


def parts(*texts: str) -> list[dict]:
    return [{"type": "text", "text": text} for text in texts]


READ = {
    "user": (HI, Message("user", (Text("hi"),))),
    "user in parts (trap 19)": (
        {"role": "user", "content": parts("a", "", "b")},
        Message("user", (Text("a"), Text(""), Text("b"))),
    ),
    "system": ({"role": "system", "content": "s"}, Message("system", (Text("s"),))),
    "system in parts (trap 17)": ({"role": "system", "content": parts("a", "b")}, Message("system", (Text("a"), Text("b")))),
    "developer is system (trap 17)": ({"role": "developer", "content": "s"}, Message("system", (Text("s"),))),
    "developer in parts (trap 17)": ({"role": "developer", "content": parts("a")}, Message("system", (Text("a"),))),
    "name": ({"role": "user", "content": "x", "name": "ann"}, Message("user", (Text("x"),), name="ann")),
    "assistant": ({"role": "assistant", "content": "yes"}, Message("assistant", (Text("yes"),))),
    "assistant that refused (trap 31)": (
        {"role": "assistant", "content": None, "refusal": "I cannot"},
        Message("assistant", (Text("I cannot"),)),
    ),
    "assistant with a refusal part (trap 31)": (
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        Message("assistant", (Text("no"),)),
    ),
    "assistant without refusing (trap 31)": (
        {"role": "assistant", "content": "yes", "refusal": None, "audio": None, "function_call": None},
        Message("assistant", (Text("yes"),)),
    ),
}


@pytest.mark.parametrize(("message", "expected"), READ.values(), ids=READ.keys())
def test_message(message: dict, expected: Message) -> None:
    """Each role and each form of content has one canonical form."""
    assert read(message) == (expected,)


def test_order() -> None:
    """Trap 17, trap 18: several system messages and repeated roles keep their order; merging is a family's business."""
    roles = ["system", "developer", "user", "user", "assistant", "assistant", "system"]

    found = read(*({"role": role, "content": str(place)} for place, role in enumerate(roles)))

    assert [message.role for message in found] == ["system", "system", "user", "user", "assistant", "assistant", "system"]
    assert [message.text for message in found] == list("0123456")


def test_calls_without_content() -> None:
    """Trap 21: null, missing and empty content are legal beside tool calls, and all calls of a turn stay."""
    turn = calls("1", "2")
    expected = Message("assistant", (), (ToolCall("1", "f", "{}"), ToolCall("2", "f", "{}")))

    for content in ({"content": None}, {"content": ""}, {}):
        without = {name: value for name, value in turn.items() if name != "content"} | content
        assert read(HI, without, result("2"), result("1"))[1] == expected


def test_calls_with_content() -> None:
    """Trap 21: what the assistant said beside its calls stays, too."""
    found = read(calls("1") | {"content": "let me see"}, result("1"))

    assert found[0].text == "let me see"
    assert found[1] == Message("tool", (Text("done"),), tool_call_id="1")


def test_tool_result_in_parts() -> None:
    """Trap 22: a tool's result is text, in one piece or several, JSON or not."""
    found = read(calls("1"), result("1") | {"content": parts("not", " json")})

    assert found[1].text == "not json"


ARGUMENTS = {
    "empty (trap 26)": ("", "{}"),
    "as they came": ('{"a": 1.0}', '{"a": 1.0}'),
    "nested": ('{"a":{"b":[]}}', '{"a":{"b":[]}}'),
}


@pytest.mark.parametrize(("given_text", "expected"), ARGUMENTS.values(), ids=ARGUMENTS.keys())
def test_arguments(given_text: str, expected: str) -> None:
    """Arguments are the text of one object, untouched, never encoded twice."""
    turn = calls() | {"tool_calls": [call_of("1", given_text)]}

    assert read(turn, result("1"))[0].tool_calls[0].arguments == expected


BAD_ARGUMENTS = {
    "no JSON": "city=Rome",
    "a list": "[]",
    "a string": '"{}"',
    "null": "null",
    "cut": '{"a":',
    "lone surrogate": '{"a":"\\ud800"}',
    "too deep": '{"a":' * 65 + "{}" + "}" * 65,
    "far too deep": '{"a":' * 5000 + "{}" + "}" * 5000,
}


@pytest.mark.parametrize("text", BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS.keys())
def test_bad_arguments(text: str) -> None:
    """Arguments that are no object are refused where they stand."""
    error = refused(HI, calls() | {"tool_calls": [call_of("1", text)]}, result("1"))

    assert error.parameter == "messages[1].tool_calls[0].function.arguments"


REFUSED = {
    "assistant says nothing": ([{"role": "assistant"}], "messages[0].content"),
    "assistant with no calls in its list": ([{"role": "assistant", "content": None, "tool_calls": []}], "messages[0].content"),
    "content without parts": ([{"role": "user", "content": []}], "messages[0].content"),
    "user says null": ([{"role": "user", "content": None}], "messages[0].content"),
    "tool without an id": ([calls("1"), {"role": "tool", "content": "x"}], "messages[1].tool_call_id"),
    "tool that answers nobody": ([HI, result("1")], "messages[1].tool_call_id"),
    "tool that answers another call": ([calls("1"), result("2")], "messages[1].tool_call_id"),
    "tool that answers twice": ([calls("1"), result("1"), result("1")], "messages[2].tool_call_id"),
    "tool that answers too late": ([calls("1"), result("1"), HI, result("1")], "messages[3].tool_call_id"),
    "call unanswered": ([calls("1", "2"), result("1"), HI], "messages[2]"),
    "call unanswered at the end": ([HI, calls("1")], "messages[2]"),
    "two calls of one id": ([calls("1", "1"), result("1")], "messages[0].tool_calls"),
    "deprecated function_call": (
        [{"role": "assistant", "function_call": {"name": "f", "arguments": ""}}],
        "messages[0].function_call",
    ),
    "audio of an earlier reply": ([{"role": "assistant", "audio": {"id": "a"}}], "messages[0].audio"),
    "image from the assistant": (
        [{"role": "assistant", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}],
        "messages[0].content[0].type",
    ),
    "image in a system message": (
        [{"role": "system", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}],
        "messages[0].content[0]",
    ),
    "custom tool call": (
        [calls() | {"tool_calls": [{"id": "1", "type": "custom", "custom": {}}]}],
        "messages[0].tool_calls[0].type",
    ),
}


@pytest.mark.parametrize(("messages", "parameter"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(messages: list[dict], parameter: str) -> None:
    """A conversation that cannot have happened is refused where it breaks."""
    found = refused(*messages).parameter

    assert found is not None
    assert found.startswith(parameter)


def test_reply_sent_back() -> None:
    """A reply's message sent back as it was received is legal; what a model does not read of it is reported."""
    message = {
        "role": "assistant",
        "content": "4",
        "refusal": None,
        "reasoning_content": "2+2",
        "annotations": [{"type": "url_citation"}],
    }

    request = request_of(HI, message, HI)

    assert request.messages[1] == Message("assistant", (Reasoning("2+2"), Text("4")))
    assert request.advisory == ("annotations",)


def test_thoughts_sent_back() -> None:
    """Trap 30: sealed thoughts stand before what was said; the bare text beside them is the same, and not read twice."""
    details = [
        {"type": "reasoning.text", "text": "2+2", "signature": "c2ln", "index": 0},
        {"type": "reasoning.encrypted", "data": "eHg="},
        {"type": "reasoning.text", "text": "unsealed"},
    ]
    thoughts = (Reasoning("2+2", "c2ln"), Reasoning(redacted="eHg="), Reasoning("unsealed"))
    said = {"role": "assistant", "content": "4", "reasoning_content": "2+2", "reasoning_details": details}

    assert read(HI, said)[1] == Message("assistant", (*thoughts, Text("4")))
    assert read(calls("1") | {"reasoning_details": details}, result("1"))[0].parts == thoughts


PDF = "data:application/pdf;base64,JVBERi0xLjQK"


def test_files() -> None:
    """A file is a document, text read out of its base64, with the name that the caller gave it."""
    files = [
        {"type": "file", "file": {"file_data": PDF, "filename": "rules.pdf"}},
        {"type": "file", "file": {"file_data": "data:text/plain;base64,SGk="}},
    ]

    (message,) = read({"role": "user", "content": files})

    assert message.parts == (Document("application/pdf", "JVBERi0xLjQK", "rules.pdf"), Document("text/plain", "Hi"))


BAD_FILES = {
    "stored": ({"file_id": "file-1"}, "file.file_id"),
    "nothing": ({}, "file.file_data"),
    "no URL": ({"file_data": "JVBERi0xLjQK"}, "file.file_data"),
    "another's": ({"file_data": "https://example.com/rules.pdf"}, "file.file_data"),
}


@pytest.mark.parametrize(("file", "parameter"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_bad_files(file: dict, parameter: str) -> None:
    """A file that is not in the request is refused where it stands."""
    error = refused({"role": "user", "content": [{"type": "file", "file": file}]})

    assert error.parameter == f"messages[0].content[0].{parameter}"


def test_cache_points() -> None:
    """A breakpoint is a cache point after its part, in every role that has one; OpenAI's times become Bedrock's."""

    def marked(**more: str) -> dict:
        return {"type": "text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit", **more}}

    found = read(
        {"role": "system", "content": [marked()]},
        {"role": "user", "content": [marked(ttl="30m"), marked(ttl="5m"), marked(ttl="12h")]},
        calls("1"),
        result("1") | {"content": [marked(ttl="1h")]},
    )

    assert found[0].parts == (Text("x"), CachePoint())
    assert [part.ttl for part in found[1].parts if isinstance(part, CachePoint)] == ["1h", "5m", "1h"]
    assert found[3].parts == (Text("x"), CachePoint("1h"))


def test_advisory_parts() -> None:
    """A time in the cache that Bedrock does not have, and an image's level of detail, change no answer and are reported."""
    hint = {"type": "text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}}
    pixel = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
    image = {"type": "image_url", "image_url": {"url": pixel, "detail": "high"}}

    assert request_of({"role": "user", "content": [hint, image]}).advisory == ("image_url.detail", "prompt_cache_breakpoint.ttl")
    assert request_of({"role": "user", "content": [image | {"image_url": {"url": pixel, "detail": "auto"}}]}).advisory == ()


@given(st.text())
def test_text_untouched(text: str) -> None:
    """A text arrives character for character, whatever is in it."""
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}, ensure_ascii=False)
    escaped = json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]})

    for spelled in (body, escaped):
        found = parse_chat(spelled.encode(), Arrival("r", KEY, 0.0))
        assert found.request.messages[0].text == text


@pytest.mark.parametrize(
    ("value", "levels", "expected"),
    [(1, 0, False), ({}, 0, True), ({}, 1, False), ([[]], 1, True), ([[], {"a": [1]}], 3, False), ([[], {"a": [[]]}], 3, True)],
)
def test_depth(value: object, levels: int, expected: bool) -> None:
    """Levels are counted along the deepest branch; a bare value has none."""
    assert nested_too_deep(value, levels) is expected
