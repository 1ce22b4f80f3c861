"""The sentences a caller reads when the shape of its body is wrong."""

import json

import pytest

from gateway.errors import InvalidRequest
from gateway.keys.model import Key
from gateway.surface.answering import Arrival
from gateway.surface.openai.parse import parse_chat

KEY = Key(id="k", name="n", owner="o", hash="0" * 64)
BODY = {"model": "m", "messages": [{"role": "user", "content": "x"}]}


def complaint(fields: object) -> tuple[str, str | None]:
    body = json.dumps(BODY | fields if isinstance(fields, dict) else fields).encode()
    with pytest.raises(InvalidRequest) as caught:
        parse_chat(body, Arrival("r", KEY, 0.0))
    return str(caught.value), caught.value.parameter


SENTENCES = {
    "wrong type": ({"temperature": "hot"}, "temperature must be a number, not a string", "temperature"),
    "wrong type of a union": ({"stop": 5}, "stop must be a string or a list, not an integer", "stop"),
    "wrong type under a free name": (
        {"metadata": {"b": "c", "a": {}}},
        "metadata.a must be a string, not an object",
        "metadata.a",
    ),
    "wrong type of a variable": (
        {"quarry": {"variables": {"q": 1}}},
        "quarry.variables.q must be a string, not an integer",
        "quarry.variables.q",
    ),
    "a free name that is long": (
        {"metadata": {"a" * 99: 1}},
        f"metadata.{'a' * 64} must be a string, not an integer",
        f"metadata.{'a' * 64}",
    ),
    "wrong type inside": (
        {"messages": [*BODY["messages"], {"role": "user", "content": 5}]},
        "messages[1].content must be a string or a list, not an integer",
        "messages[1].content",
    ),
    "true is no number": ({"max_tokens": True}, "max_tokens must be an integer, not true or false", "max_tokens"),
    "too large": ({"temperature": 2.5}, "temperature is 2.5; it must be at most 2", "temperature"),
    "too small": ({"n": 0}, "n is 0; it must be at least 1", "n"),
    "in a map": ({"logit_bias": {"7": 101}}, "logit_bias is out of range; it must be at most 100", "logit_bias"),
    "empty": ({"messages": []}, "messages must not be empty", "messages"),
    "too many": ({"stop": list("abcde")}, "stop must have at most 4 entries", "stop"),
    "too long": ({"model": "m" * 300}, "model must have at most 256 characters", "model"),
    "pattern": (
        {"messages": [{"role": "user", "content": "x", "name": "a b"}]},
        r"messages[0].name must match ^[^\s<|\\/>]{1,64}$",
        "messages[0].name",
    ),
    "required": ({"messages": [{"role": "user"}]}, "messages[0].content is required", "messages[0].content"),
    "role unknown": (
        {"messages": [{"role": "bot", "content": "x"}]},
        'messages[0].role has the unknown value "bot": roles are developer, system, user, assistant and tool',
        "messages[0].role",
    ),
    "role deprecated": (
        {"messages": [{"role": "function", "content": "x", "name": "f"}]},
        'role "function" is OpenAI\'s deprecated form: send role "tool" with a tool_call_id',
        "messages[0].role",
    ),
    "audio part (trap 19)": (
        {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
        "audio input is not supported: content parts are text, image_url and file",
        "messages[0].content[0].type",
    ),
    "file part (trap 19)": (
        {"messages": [{"role": "assistant", "content": [{"type": "file", "file": {}}]}]},
        "files are read in messages of role user",
        "messages[0].content[0].type",
    ),
    "part of no kind (trap 19)": (
        {"messages": [{"role": "user", "content": [{"type": "video"}]}]},
        'messages[0].content[0].type has the unknown value "video"',
        "messages[0].content[0].type",
    ),
    "unknown field, near": (
        {"max_token": 5},
        'Unrecognized request argument "max_token"; did you mean max_tokens?',
        "max_token",
    ),
    "unknown field, inside": (
        {"messages": [{"role": "user", "content": "x", "zebra": 5}]},
        'Unrecognized request argument "zebra" in messages[0]',
        "messages[0].zebra",
    ),
    "body no object": ([], "The body must be an object, not a list", None),
}


@pytest.mark.parametrize(("fields", "sentence", "parameter"), SENTENCES.values(), ids=SENTENCES.keys())
def test_sentence(fields: object, sentence: str, parameter: str | None) -> None:
    """The message names the place and what to change, in plain words, with the path as OpenAI spells it."""
    assert complaint(fields) == (sentence, parameter)


def test_long_names() -> None:
    """A megabyte of field name is not sent back, nor searched for its like."""
    message, parameter = complaint({"x" * 1_000_000: 1})

    assert len(message) < 120
    assert len(parameter or "") == 64


def test_texts_are_not_quoted() -> None:
    """A refusal of a message does not repeat what the message says."""
    message, _ = complaint({"messages": [{"role": "user", "content": "a secret", "name": "also secret"}]})

    assert "secret" not in message


SYNTAX = {
    "empty": (b"", "empty"),
    "byte order mark": (b"\xef\xbb\xbf{}", "byte order mark"),
    "UTF-8": (b'{"model":"\xff"}', "UTF-8"),
    "surrogate": (b'{"model":"\\ud800"}', "surrogate"),
    "cut": (b'{"model":', "ends too early"),
    "deep": (
        b'{"model":"m","messages":[{"role":"user","content":"x"}],"audio":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        "nested",
    ),
}


@pytest.mark.parametrize(("body", "word"), SYNTAX.values(), ids=SYNTAX.keys())
def test_syntax(body: bytes, word: str) -> None:
    """Bytes that are not JSON are told what is wrong with them."""
    with pytest.raises(InvalidRequest, match=word) as caught:
        parse_chat(body, Arrival("r", KEY, 0.0))

    assert caught.value.parameter is None
