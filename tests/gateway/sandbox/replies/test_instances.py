"""JSON that a schema asks for, judged by the jsonschema library."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gateway.sandbox.replies.instances import instance

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "height": {"type": ["number", "null"], "exclusiveMinimum": 0},
        "is_member": {"type": "boolean"},
        "born": {"type": "string", "format": "date"},
        "mood": {"enum": ["happy", "sad"]},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 4},
        "address": {"$ref": "#/$defs/address"},
        "pet": {"anyOf": [{"type": "object", "properties": {"kind": {"const": "cat"}}, "required": ["kind"]}, {"type": "null"}]},
    },
    "required": ["name", "age", "mood", "address"],
    "additionalProperties": False,
    "$defs": {
        "address": {"type": "object", "properties": {"city": {"type": "string", "maxLength": 5}}, "required": ["city"]},
    },
}
TREE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"value": {"type": "integer"}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
            "required": ["value"],
        }
    },
}


@pytest.mark.parametrize(
    "schema", [PERSON, TREE, {"type": "array", "items": {"type": "number"}, "minItems": 3}, {"const": 7}, {}]
)
@pytest.mark.parametrize("text", ["", "My name is Ada, I am 36 and sad, born 1815-12-10 in London.", "-5 999 0.25"])
def test_instances_are_valid(schema, text):
    """Whatever the text holds, the value follows the schema; references that recur come to an end."""
    Draft202012Validator(schema).validate(instance(schema, text))


def test_instances_take_what_the_text_has():
    """Numbers, names, dates and choices come from the words."""
    made = instance(PERSON, "My name is Ada, I am 36 and sad, born 1815-12-10 in London.")

    assert (made["name"], made["age"], made["mood"], made["born"]) == ("Ada", 36, "sad", "1815-12-10")


@pytest.mark.parametrize(
    ("schema", "names"),
    [
        ({"type": "object"}, ["setup", "punchline"]),
        ({"type": "object", "properties": {}}, []),
        ({"type": "object", "additionalProperties": False}, []),
    ],
    ids=["anything", "no properties", "no others"],
)
def test_an_object_of_anything_has_the_members_that_the_text_names(schema, names):
    """As a model does that is asked for JSON by words alone."""
    made = instance(schema, "Tell me a joke about cats, as a JSON with 'setup' and 'punchline' keys.")

    assert list(made) == names
    assert all(made.values())


SCALARS = st.one_of(
    st.builds(
        lambda low, width: {"type": "integer", "minimum": low, "maximum": low + width}, st.integers(-99, 99), st.integers(0, 9)
    ),
    st.builds(
        lambda low, width: {"type": "number", "minimum": low, "maximum": low + width}, st.integers(-99, 99), st.integers(0, 9)
    ),
    st.builds(
        lambda least, more: {"type": "string", "minLength": least, "maxLength": least + more},
        st.integers(0, 30),
        st.integers(0, 9),
    ),
    st.builds(lambda values: {"enum": values}, st.lists(st.text(max_size=5), min_size=1, unique=True)),
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
)


def containers(inner):
    return st.one_of(
        st.builds(
            lambda items, least, more: {"type": "array", "items": items, "minItems": least, "maxItems": least + more},
            inner,
            st.integers(0, 3),
            st.integers(0, 3),
        ),
        st.builds(
            lambda properties: {
                "type": "object",
                "properties": properties,
                "required": sorted(properties),
                "additionalProperties": False,
            },
            st.dictionaries(st.text(max_size=5), inner, max_size=4),
        ),
    )


@given(st.recursive(SCALARS, containers, max_leaves=12), st.text(max_size=60))
def test_any_schema_of_these_words_gets_a_valid_instance(schema, text):
    """Bounds, lengths, choices and nesting hold for every schema, with any text."""
    Draft202012Validator(schema).validate(instance(schema, text))
