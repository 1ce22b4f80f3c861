"""Schemas within Nova's bounds: the same meaning with three keys, or a refusal."""

import json

import pytest

from adapters import FAMILIES
from adapters.chat import ChatRequest, Message, ResponseFormat, Sampling, Text, ToolSpec
from adapters.errors import InvalidParameter
from adapters.families.nova.schemas import narrowed

ROOM = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"], "additionalProperties": False}
BOOKING = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Booking",
    "description": "A guest's booking.",
    "type": "object",
    "properties": {
        "room": {"$ref": "#/$defs/Room", "description": "Where the guest sleeps"},
        "others": {"type": "array", "items": {"$ref": "#/$defs/Room"}},
        "mood": {"$ref": "#/$defs/The~1Mood%20~0"},
    },
    "required": ["room"],
    "additionalProperties": False,
    "$defs": {"Room": ROOM, "The/Mood ~": {"enum": ["calm", "$ref"]}},
}


def test_what_is_within_bounds_stays_as_it_is() -> None:
    """Nothing is copied where nothing has to change, whatever the keys deeper down."""
    schema = {"type": "object", "properties": {"room": ROOM}, "required": ["room"]}

    assert narrowed(schema, "here") is schema


def test_a_schema_of_pydantics() -> None:
    """Definitions are put in the place of their references, what stands beside a reference stays; descriptions go."""
    assert narrowed(BOOKING, "here") == {
        "type": "object",
        "properties": {
            "room": {**ROOM, "description": "Where the guest sleeps"},
            "others": {"type": "array", "items": ROOM},
            "mood": {"enum": ["calm", "$ref"]},
        },
        "required": ["room"],
    }


def test_what_only_looks_like_a_reference() -> None:
    """A property may be called ``$ref``, and data may hold one."""
    properties = {"$ref": {"type": "string"}, "kind": {"const": {"$ref": "#/$defs/Nobody"}, "enum": [{"$ref": "x"}]}}

    assert narrowed({"type": "object", "properties": properties, "title": "T"}, "here") == {
        "type": "object",
        "properties": properties,
    }


REFUSED = {
    "a choice of schemas": ({"anyOf": [ROOM, ROOM]}, "anyOf at its top"),
    "any name with a schema": ({"type": "object", "additionalProperties": {"type": "string"}}, "additionalProperties at its top"),
    "patterns": ({"type": "object", "patternProperties": {}}, "patternProperties at its top"),
    "itself": (
        {
            "type": "object",
            "properties": {"root": {"$ref": "#/$defs/Node"}},
            "$defs": {"Node": {"properties": {"next": {"$ref": "#/$defs/Node"}}}},
        },
        'refers to itself by "#/\\$defs/Node"',
    ),
    "nothing": ({"title": "T", "properties": {"a": {"$ref": "#/$defs/Gone"}}}, "not among its definitions"),
    "another document": ({"title": "T", "properties": {"a": {"$ref": "https://example.com/a"}}}, "not among its definitions"),
    "the whole": ({"title": "T", "properties": {"a": {"$ref": "#"}}}, "not among its definitions"),
    "a definition of no object": ({"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": True}}, "not among its"),
    "definitions of no object": ({"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": [ROOM]}, "not among its definitions"),
}


@pytest.mark.parametrize(("schema", "why"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_said_is_refused(schema: dict[str, object], why: str) -> None:
    """By its place, with the key or the reference that is in the way."""
    with pytest.raises(InvalidParameter, match=f"^here .*{why}") as refused:
        narrowed(schema, "here")

    assert refused.value.parameter == "here"


def test_a_few_lines_that_would_fill_the_memory() -> None:
    """Each definition refers twice to the next: thirty of them are a thousand million, and are refused at once."""
    definitions = {
        f"D{level}": {"properties": {side: {"$ref": f"#/$defs/D{level + 1}"} for side in ("a", "b")}} for level in range(30)
    }
    bomb = {"type": "object", "properties": {"a": {"$ref": "#/$defs/D0"}}, "$defs": {**definitions, "D30": ROOM}}

    with pytest.raises(InvalidParameter, match="would fill the request"):
        narrowed(bomb, "here")


def test_both_places_of_a_schema_are_narrowed() -> None:
    """Tools and the wanted answer alike, and each is named as the caller spells it."""
    nova, hi, maximum = FAMILIES["nova"], (Message("user", (Text("Hi"),)),), Sampling(max_tokens=9)
    tool = ToolSpec("book", None, BOOKING)
    wanted = ResponseFormat("json_schema", "booking", BOOKING)

    body = json.loads(nova.encode(ChatRequest(hi, maximum, tools=(tool,), response_format=wanted), False))

    schemas = [spec["toolSpec"]["inputSchema"]["json"] for spec in body["toolConfig"]["tools"]]
    assert schemas == [narrowed(BOOKING, "")] * 2
    with pytest.raises(InvalidParameter, match=r"^tools\[1\].function.parameters has oneOf"):
        nova.encode(ChatRequest(hi, maximum, tools=(tool, ToolSpec("f", None, {"oneOf": []}))), False)
    with pytest.raises(InvalidParameter, match=r"^response_format.json_schema.schema has oneOf"):
        nova.encode(ChatRequest(hi, maximum, response_format=ResponseFormat("json_schema", "a", {"oneOf": []})), False)
