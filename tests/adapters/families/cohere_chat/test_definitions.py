"""JSON Schema in Command R's words: what a type says, what the description says, what nothing says."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import InvalidParameter
from adapters.families.cohere_chat.definitions import definitions

COLOURS = {"$defs": {"Colour": {"title": "Colour", "type": "string", "enum": ["red", "green"]}}}


def defined(schema, **others):
    return definitions({"type": "object", "properties": {"a": schema}, **others}, "p")["a"]


@pytest.mark.parametrize(
    ("schema", "type_", "description"),
    [
        ({"type": "string"}, "str", None),
        ({"type": "integer", "description": "A count."}, "int", "A count."),
        ({"type": "number"}, "float", None),
        ({"type": "boolean", "title": "A"}, "bool", None),
        ({"type": "array"}, "List", None),
        ({"type": "array", "items": {"type": "string"}}, "List[str]", None),
        ({"type": "array", "items": {"type": "array", "items": {"type": "number"}}}, "List[List[float]]", None),
        ({"type": "object"}, "Dict", None),
        ({"type": "object", "properties": {}, "additionalProperties": False}, "Dict", None),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "Dict[str, int]", None),
        ({"type": ["string", "null"]}, "Optional[str]", None),
        ({"type": ["array", "null"], "items": {"type": "string"}}, "Optional[List[str]]", None),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}], "default": None}, "Optional[Union[str, int]]", None),
        ({"oneOf": [{"type": "string"}, {"type": "string"}]}, "str", None),
        ({"enum": ["a", "b"]}, "str", "Possible enum values: a, b."),
        ({"enum": [1, "b", None]}, "Optional[Union[int, str]]", "Possible enum values: 1, b, null."),
        ({"const": 3}, "int", "The only possible value: 3."),
        ({"type": "boolean", "default": False}, "bool", "Default: false."),
        ({"type": "string", "description": "A day.", "format": "date"}, "str", "A day. Format: date."),
        ({"type": "integer", "minimum": 0, "maximum": 9, "default": 5}, "int", "Default: 5. Minimum: 0. Maximum: 9."),
        ({"type": "array", "items": {"enum": ["a"]}, "maxItems": 3}, "List[str]", "Most entries: 3. Each entry: Possible enum values: a."),
        ({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}, "Optional[int]", "Minimum: 1."),
        ({"$ref": "#/$defs/Colour"}, "str", "Possible enum values: red, green."),
        ({"$ref": "#/$defs/Colour", "description": "Paint."}, "str", "Paint. Possible enum values: red, green."),
        ({"allOf": [{"$ref": "#/$defs/Colour"}], "default": "red"}, "str", "Possible enum values: red, green. Default: red."),
    ],
)  # fmt: skip
def test_what_can_be_said_is_said(schema, type_, description):
    """In Python's types where they reach, in the description where they do not."""
    made = defined(schema, **COLOURS)

    assert (made["type"], made.get("description")) == (type_, description)


def test_required_is_told_of_each():
    """A property is required when the schema lists it."""
    made = definitions({"properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["b"]}, "p")

    assert {name: definition["required"] for name, definition in made.items()} == {"a": False, "b": True}
    assert list(made) == ["a", "b"]


@pytest.mark.parametrize(
    ("schema", "place", "what"),
    [
        ({"type": "object", "properties": {"b": {"type": "string"}}}, "p.properties.a", '"properties"'),
        ({"type": "array", "items": {"type": "object", "required": ["b"]}}, "p.properties.a.items", '"required"'),
        ({"type": "string", "not": {"const": "x"}}, "p.properties.a", '"not"'),
        ({"type": "array", "prefixItems": [{"type": "string"}]}, "p.properties.a", '"prefixItems"'),
        ({"allOf": [{"type": "string"}, {"type": "integer"}]}, "p.properties.a", '"allOf"'),
        ({}, "p.properties.a", "a value of any type"),
        (True, "p.properties.a", "a schema that is no object"),
        ({"type": "date"}, "p.properties.a", 'type "date"'),
        ({"anyOf": [{"type": "string"}, {}]}, "p.properties.a.anyOf[1]", "a value of any type"),
        ({"$ref": "https://example.com/schema"}, "p.properties.a", '$ref "https://example.com/schema"'),
        ({"$ref": "#/$defs/Nothing"}, "p.properties.a", "$ref"),
    ],
)
def test_what_cannot_be_said_is_refused_by_its_place(schema, place, what):
    """Nothing of a schema is lost in silence."""
    with pytest.raises(InvalidParameter) as refused:
        defined(schema, **COLOURS)

    assert refused.value.parameter == place
    assert what in str(refused.value)


@pytest.mark.parametrize(
    ("schema", "what"),
    [
        ({"type": "array"}, 'type "array"'),
        ({"type": "object", "minProperties": 1}, '"minProperties"'),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "arguments of any name"),
    ],
)
def test_arguments_that_are_not_named_are_refused(schema, what):
    """The arguments are an object of properties, each with its name."""
    with pytest.raises(InvalidParameter, match=what) as refused:
        definitions(schema, "tools[0].function.parameters")

    assert refused.value.parameter == "tools[0].function.parameters"


@pytest.mark.parametrize("name", ["get-it", "2nd", "a b", "ä", ""])
def test_names_are_pythons(name):
    """Letters, digits and _, no digit first: all that Command R takes."""
    with pytest.raises(InvalidParameter) as refused:
        definitions({"properties": {name: {"type": "string"}}}, "p")

    assert refused.value.parameter == f"p.properties.{name}"


@pytest.mark.parametrize(
    "shared",
    [
        {"A": {"$ref": "#/$defs/A"}},
        {"A": {"type": "array", "items": {"$ref": "#/$defs/A"}}},
        {"A": {"anyOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/A"}]}},
        {"A": {"anyOf": [{"$ref": "#/$defs/B1"}] * 4}}
        | {f"B{n}": {"anyOf": [{"$ref": f"#/$defs/B{n + 1}"}] * 4} for n in range(1, 14)}
        | {"B14": {"type": "string"}},
    ],
    ids=["itself", "inside itself", "twice inside itself", "a tower of four to the fourteenth"],
)
def test_references_come_to_an_end(shared):
    """A schema that refers to itself, or to others too many times, is refused and costs next to nothing."""
    with pytest.raises(InvalidParameter, match="refers to itself"):
        defined({"$ref": "#/$defs/A"}, **{"$defs": shared})


WORDS = [
    "type",
    "items",
    "anyOf",
    "oneOf",
    "allOf",
    "enum",
    "const",
    "$ref",
    "$defs",
    "properties",
    "required",
    "additionalProperties",
    "minimum",
    "description",
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["string", "array", "object", "null", "#/$defs/a", "a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*WORDS, "a", "b"]), inner, max_size=4),
    max_leaves=15,
)


@given(schema=st.dictionaries(st.sampled_from([*WORDS, "a"]), VALUES, max_size=5))
def test_any_schema_is_said_or_refused(schema):
    """Schemas come from callers: whatever they hold, there are definitions or a refusal, never a crash."""
    made = {}
    with suppress(InvalidParameter):
        made = definitions(schema, "p")

    assert all(isinstance(definition["type"], str) for definition in made.values())
