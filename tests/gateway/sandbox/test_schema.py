"""Violations are found and worded as Bedrock words them."""

import pytest

from gateway.sandbox.schema import closed, integer, number, strings, violations

SCHEMA = closed(
    {
        "prompt": {"type": "string", "minLength": 1},
        "n": integer(1, 5),
        "p": number(0, 1, above=True),
        "stop": strings(2),
        "mode": {"type": "string", "enum": ["A", "B"]},
        "inner": closed({"x": {"type": ["string", "null"]}}, "x"),
        "messages": {"type": "array", "minItems": 1, "items": closed({"role": {"type": "string"}}, "role")},
    },
    "prompt",
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"prompt": "hi", "n": 5, "p": 1, "stop": ["a"], "mode": "A", "inner": {"x": None}}, []),
        ({}, ["#: required key [prompt] not found"]),
        ([], ["#: expected type: JSONObject, found: JSONArray"]),
        ({"prompt": ""}, ["#/prompt: expected minLength: 1, actual: 0"]),
        ({"prompt": None}, ["#/prompt: expected type: String, found: Null"]),
        ({"prompt": "x", "n": 6}, ["#/n: 6 is not less or equal to 5"]),
        ({"prompt": "x", "n": 0}, ["#/n: 0 is not greater or equal to 1"]),
        ({"prompt": "x", "n": 1.5}, ["#/n: expected type: Integer, found: BigDecimal"]),
        ({"prompt": "x", "n": True}, ["#/n: expected type: Integer, found: Boolean"]),
        ({"prompt": "x", "p": 0}, ["#/p: 0 is not greater than 0"]),
        ({"prompt": "x", "stop": ["a", "b", "c"]}, ["#/stop: expected maximum item count: 2, found: 3"]),
        ({"prompt": "x", "stop": ["a", 2]}, ["#/stop/1: expected type: String, found: Integer"]),
        ({"prompt": "x", "mode": "C"}, ["#/mode: C is not a valid enum value"]),
        (
            {"prompt": "x", "inner": {"y": 1}},
            ["#/inner: required key [x] not found", "#/inner: extraneous key [y] is not permitted"],
        ),
        ({"prompt": "x", "messages": []}, ["#/messages: expected minimum item count: 1, found: 0"]),
        ({"prompt": "x", "messages": [{}]}, ["#/messages/0: required key [role] not found"]),
    ],
)
def test_violations(value, expected):
    """Each finding names its place and what is wrong, in order; a good body has none."""
    assert expected == violations(value, SCHEMA)
