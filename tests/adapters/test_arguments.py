"""A call's arguments between text and object: nothing is changed on the way."""

import pytest
from msgspec import Raw

from adapters import arguments
from adapters.errors import MalformedReply, UnsupportedContent


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
