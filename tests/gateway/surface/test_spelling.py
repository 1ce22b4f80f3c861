"""Chat's names of parameters, told to callers of endpoints that have others."""

import json

import pytest

from adapters.errors import InvalidParameter, UnsupportedContent, UnsupportedParameter
from gateway.errors import ContextTooLong, InvalidRequest, ModelNotFound
from gateway.surface.spelling import envelope_in, respelled, spelled

SPELLING = {
    "max_tokens": "max_output_tokens",
    "response_format": "text.format",
    "messages": "input",
    "top_k": "more.top_k",
    "details": "never",
}
HINTS = {"response_format": ": ask for it in words"}

NAMES = {
    "another name": ("max_tokens", "max_output_tokens"),
    "the same name": ("temperature", "temperature"),
    "inside one": ("response_format.json_schema.strict", "text.format.json_schema.strict"),
    "a message": ("messages", "input"),
    "a place in one": ("messages[2].content[0]", "input"),
    "a name that only begins so": ("messages_x", "messages_x"),
}


@pytest.mark.parametrize(("name", "expected"), NAMES.values(), ids=NAMES.keys())
def test_names(name: str, expected: str) -> None:
    """A name is looked up whole, or by what it is inside of; a place among messages loses its numbers."""
    assert spelled(name, SPELLING) == expected


REFUSALS = {
    "a parameter": (
        InvalidParameter("max_tokens 9 is outside 1 to 5", parameter="max_tokens"),
        ("max_output_tokens 9 is outside 1 to 5", "max_output_tokens"),
    ),
    "with a hint": (
        UnsupportedParameter('response_format is not supported by family "x"', parameter="response_format"),
        ('text.format is not supported by family "x": ask for it in words', "text.format"),
    ),
    "a place": (
        UnsupportedContent("messages[0].content[1] is an image", parameter="messages[0].content[1]"),
        ("input is an image", "input"),
    ),
    "a model's own": (
        InvalidRequest("This model reads no system messages: send fewer max_tokens", parameter="messages", detail="AWS says"),
        ("This model reads no system messages: send fewer max_output_tokens", "input"),
    ),
    "ours, which has the endpoint's names already": (
        InvalidRequest('Unrecognized request argument "max_tokens"', parameter="max_tokens"),
        ('Unrecognized request argument "max_tokens"', "max_tokens"),
    ),
    "a name of the endpoint's inside another": (
        UnsupportedParameter('top_k is not supported by family "x"', parameter="top_k"),
        ('more.top_k is not supported by family "x"', "more.top_k"),
    ),
    "about nothing": (InvalidRequest("Refused", detail="AWS says"), ("Refused", None)),
}


@pytest.mark.parametrize(("error", "expected"), REFUSALS.values(), ids=REFUSALS.keys())
def test_refusals(error: Exception, expected: tuple[str, str | None]) -> None:
    """A family's refusal, or a model's, is told in the endpoint's words, and stays a 400 of its kind."""
    status, body, _ = envelope_in(SPELLING, HINTS)(error)
    told = json.loads(body)["error"]

    assert (status, told["message"], told["param"]) == (400, *expected)


def test_kinds() -> None:
    """A refusal keeps its kind; what is no refusal stays what it was."""
    unknown = ModelNotFound("no max_tokens", parameter="messages")

    assert type(respelled(ContextTooLong("x", parameter="messages", detail="d"), SPELLING, {})) is ContextTooLong
    assert respelled(unknown, SPELLING, {}) is unknown
