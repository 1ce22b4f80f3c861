"""Bytes that were never meant to be a request (C8): refused, every one, and cheaply."""

import json
import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.chat import Sampling
from gateway.call import Call
from gateway.errors import InvalidRequest
from gateway.keys.model import Key
from gateway.surface.answering import Arrival
from gateway.surface.openai.parse import parse_chat

KEY = Key(id="k", name="n", owner="o", hash="0" * 64)
HI = [{"role": "user", "content": "hi"}]


def parse(body: bytes) -> Call:
    return parse_chat(body, Arrival("req-1", KEY, 1.5))


HOSTILE = {
    "empty": b"",
    "not JSON": b"hello",
    "cut": b'{"model":"m","messages":[{"role":"user","content":"x"}]',
    "trailing": b'{"model":"m","messages":[{"role":"user","content":"x"}]}}',
    "null": b"null",
    "list": b"[]",
    "string": b'"x"',
    "byte order mark": b'\xef\xbb\xbf{"model":"m","messages":[{"role":"user","content":"x"}]}',
    "UTF-16": '{"model":"m"}'.encode("utf-16"),
    "not UTF-8": b'{"model":"m","messages":[{"role":"user","content":"\xff\xfe"}]}',
    "overlong UTF-8": b'{"model":"m","messages":[{"role":"user","content":"\xc0\xaf"}]}',
    "surrogate in UTF-8": b'{"model":"m","messages":[{"role":"user","content":"\xed\xa0\x80"}]}',
    "lone surrogate": b'{"model":"m","messages":[{"role":"user","content":"\\ud800"}]}',
    "lone low surrogate": b'{"model":"m","messages":[{"role":"user","content":"\\udc00 and more text"}]}',
    "NaN": b'{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":NaN}',
    "Infinity": b'{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":Infinity}',
    "huge exponent": b'{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":1e999}',
    "five thousand digits": b'{"model":"m","messages":[{"role":"user","content":"x"}],"seed":' + b"9" * 5000 + b"}",
    "raw control character": b'{"model":"m","messages":[{"role":"user","content":"\x01"}]}',
    "deep list": b'{"model":"m","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep unknown": b'{"model":"m","foo":' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}",
    "deep refused field": b'{"model":"m","messages":[{"role":"user","content":"x"}],"audio":' + b"[" * 9000 + b"]" * 9000 + b"}",
    "deep schema": b'{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f",'
    b'"parameters":' + b'{"a":' * 90 + b"{}" + b"}" * 90 + b"}}]}",
    "comment": b'{"model":"m",/* */"messages":[{"role":"user","content":"x"}]}',
    "single quotes": b"{'model':'m'}",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile(body: bytes) -> None:
    """Bytes that are no request are the caller's fault (C8): a 400 with a short message, whatever they are."""
    with pytest.raises(InvalidRequest) as caught:
        parse(body)

    assert caught.value.status == 400
    assert len(str(caught.value)) < 300


REPEATED = {
    "model": (b'{"model":"a","model":"b","messages":[{"role":"user","content":"x"}]}', "model"),
    "stream": (b'{"model":"a","stream":false,"stream":true,"messages":[{"role":"user","content":"x"}]}', "stream"),
    "model, once escaped": (b'{"model":"a","mod\\u0065l":"b","messages":[{"role":"user","content":"x"}]}', "model"),
    "stream, twice escaped": (
        b'{"model":"a","\\u0073tream":true,"strea\\u006d":true,"messages":[{"role":"user","content":"x"}]}',
        "stream",
    ),
}


@pytest.mark.parametrize(("body", "name"), REPEATED.values(), ids=REPEATED.keys())
def test_repeated(body: bytes, name: str) -> None:
    """The same field twice means two things to two readers: refused, also behind escapes."""
    with pytest.raises(InvalidRequest, match="given twice") as caught:
        parse(body)

    assert caught.value.parameter == name


def is_answered(body: bytes) -> bool:
    """Whether the body became a call to somebody, or was refused with a message; any other exception passes through."""
    try:
        return bool(parse(body).alias)
    except InvalidRequest as error:
        return 0 < len(str(error)) < 500


HEAVY = {
    "escapes without end": b'"' + b"\\u00e9" * 170_000 + b'"',
    "escaped keys that are none": b'"' + b'\\"\\u006d\\u006f' * 60_000 + b'"',
    "many empty parts": b"[" + b",".join([b'{"type":"text","text":""}'] * 38_000) + b"]",
    "an unknown part at the end": b"[" + b'{"type":"text","text":""},' * 38_000 + b"5]",
}


@pytest.mark.parametrize("content", HEAVY.values(), ids=HEAVY.keys())
def test_heavy(content: bytes) -> None:
    """A megabyte costs milliseconds, whatever it is made of (C8): a second is far off, a square of it is minutes."""
    began = time.process_time()

    assert is_answered(b'{"model":"m","messages":[{"role":"user","content":%b}]}' % content)
    assert time.process_time() - began < 1.0


def test_two_faults() -> None:
    """A number out of range before a syntax error is told without the number: the body cannot be read again."""
    with pytest.raises(InvalidRequest, match="temperature is out of range; it must be at most 2"):
        parse(b'{"model":"m","temperature":3,"messages":[{"role":"user","content":"x"}]')


def test_deep_and_repeated() -> None:
    """Looking for repeated fields in a deep body is no crash either."""
    deep = (
        b'{"model":"m","messages":[{"role":"user","content":"x"}],"audio":'
        + b"[" * 900
        + b"]" * 900
        + b',"metadata":{"model":"x"}}'
    )

    with pytest.raises(InvalidRequest):
        parse(deep)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=12,
)
FIELDS = [
    *msgspec.structs.asdict(Sampling()),
    "messages",
    "tools",
    "tool_choice",
    "response_format",
    "stream_options",
    "stream",
    "n",
    "user",
]


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON_VALUES, max_size=4))
def test_any_values(fields: dict) -> None:
    """Whatever stands where, the answer is a call or a refusal, never a crash."""
    body = json.dumps({"model": "m", "messages": HI} | fields).encode()

    assert is_answered(body)


VALID = json.dumps(
    {
        "model": "m",
        "messages": [
            {"role": "developer", "content": [{"type": "text", "text": "é\u2028"}]},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": ""}}],
            },
            {"role": "tool", "tool_call_id": "1", "content": "x"},
        ],
        "stop": ["a"],
        "n": 2,
    }
).encode()


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(VALID)), st.integers(0, 4), st.binary(max_size=4))
def test_any_damage(at: int, removed: int, inserted: bytes) -> None:
    """A valid body with a few bytes changed anywhere is still a call or a refusal."""
    assert is_answered(VALID[:at] + inserted + VALID[at + removed :])
