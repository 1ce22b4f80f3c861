"""A call's arguments between text and object: nothing is changed on the way."""

import pytest
from msgspec import Raw

from adapters import FAMILIES, arguments
from adapters.chat import ChatRequest, Message, Sampling, Text, ToolSpec
from adapters.errors import InvalidParameter, MalformedReply, UnsupportedContent


@pytest.mark.parametrize(
    ("text", "native"),
    [
        ("", b"{}"),
        (" ", b"{}"),
        ('{"a": 1E2}', b'{"a": 1E2}'),
        (' {"a":1.50}\n', b'{"a":1.50}'),
        ('{"é":"é"}', '{"é":"é"}'.encode()),
    ],
)
def test_text_becomes_an_object(text, native):
    """The text itself is the object, numbers as they were written; no arguments are an empty one."""
    assert bytes(arguments.as_object(text, "here")) == native


@pytest.mark.parametrize("text", ["[1]", "7", "{", "null", '{"a":' * 5000])
def test_what_is_no_object_is_refused(text):
    """By its place."""
    with pytest.raises(UnsupportedContent, match="here is not the JSON text of one object") as refused:
        arguments.as_object(text, "here")

    assert refused.value.parameter == "here"


@pytest.mark.parametrize(
    ("native", "text"),
    [
        (b"", ""),
        (b"{}", ""),
        (b"null", ""),
        (b'{ "a": 1.50 }', '{"a":1.50}'),
        (b'{"n":12345678901234567890}', '{"n":12345678901234567890}'),
    ],
)
def test_an_object_becomes_text(native, text):
    """Without white space, numbers as the model wrote them; ``""`` where there is nothing."""
    assert arguments.as_text(Raw(native)) == text


def test_what_is_no_json_is_malformed():
    """A reply that was decoded cannot hold it; whoever calls with something else is told."""
    with pytest.raises(MalformedReply):
        arguments.as_text(Raw(b"{"))


@pytest.mark.parametrize("stated", ["object", ["object"], ["null", "object"]])
def test_a_schema_that_allows_an_object_is_one_of_an_object(stated):
    """Arguments are an object and nothing else, so the other types fall away, and nothing more."""
    schema = {"properties": {"a": {"type": ["string", "null"]}}, "type": stated}

    assert arguments.object_schema(schema, "here") == {"properties": {"a": {"type": ["string", "null"]}}, "type": "object"}
    assert arguments.object_schema({}, "here") == {}


@pytest.mark.parametrize("stated", ["string", ["null", "string"], [], None, 7])
def test_a_schema_that_allows_no_object_is_refused(stated):
    """By its place, with what it says of itself."""
    with pytest.raises(InvalidParameter, match=r'^here is of type .*must be of type "object"') as refused:
        arguments.object_schema({"type": stated}, "here")

    assert refused.value.parameter == "here"


DEMANDING = ["claude", "claude_4_5", "nova", "converse", "cohere_chat", "mistral_chat"]


def asked(stated):
    tools = (
        ToolSpec("good", None, {"type": "object", "properties": {}}),
        ToolSpec("f", None, {"type": stated, "properties": {}}),
    )
    return ChatRequest((Message("user", (Text("Hi"),)),), Sampling(max_tokens=9), tools=tools)


@pytest.mark.parametrize("family", DEMANDING)
def test_a_family_of_objects_sends_an_object(family):
    """Whose body demands an object gets the very body that "object" alone makes."""
    encode = FAMILIES[family].encode

    assert encode(asked(["object", "null"]), False) == encode(asked("object"), False)


@pytest.mark.parametrize("family", DEMANDING)
def test_a_family_of_objects_refuses_anything_else(family):
    """By the tool's place, before AWS does it in words that name none."""
    with pytest.raises(InvalidParameter) as refused:
        FAMILIES[family].encode(asked("array"), False)

    assert refused.value.parameter == "tools[1].function.parameters"
