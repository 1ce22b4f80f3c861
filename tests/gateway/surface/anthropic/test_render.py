"""Deltas as Anthropic's bytes."""

import json
from typing import Any

import msgspec
import pytest

from adapters.chat import ChatRequest, Message, Sampling
from adapters.chat import Text as Said
from adapters.deltas import (
    Delta,
    Finish,
    Reasoning,
    ReasoningSignature,
    RedactedReasoning,
    Text,
    ToolCallArguments,
    ToolCallStart,
    Usage,
)
from adapters.errors import MalformedReply
from gateway.call import Call
from gateway.errors import ModelFailed
from gateway.keys.model import Key
from gateway.surface.anthropic.parse import Notes
from gateway.surface.anthropic.render import Events, whole

REQUEST = ChatRequest((Message("user", (Said("a" * 400),)),))
USAGE = Usage(100, 7, cache_read_tokens=60, cache_write_tokens=30)
STOP = Finish("stop", "end_turn")
FULL: list[Delta] = [
    Reasoning("h"),
    Reasoning("m"),
    ReasoningSignature("s"),
    RedactedReasoning("x"),
    Text("a\u2028"),
    Text("b"),
    ToolCallStart(0, "c1", "f"),
    ToolCallArguments(0, '{"a":'),
    ToolCallArguments(0, "1}"),
    ToolCallStart(1, "c2", "g"),
    Finish("tool_calls", "tool_use"),
    USAGE,
]


def call(**sampling: Any) -> Call:
    request = msgspec.structs.replace(REQUEST, sampling=Sampling(**sampling))
    return Call("req-1", Key("k", "n", "o", ""), "m", request, 0.0, notes=Notes())


def events(deltas: list[Delta], asked: Call | None = None) -> list[dict[str, Any]]:
    """The events of a stream in which every delta is a batch."""
    state = Events(asked or call(), 0)
    data = b"".join([*(state.events(0, [delta]) for delta in deltas), state.end()])
    return [json.loads(event.partition("\ndata: ")[2]) for event in data.decode().removesuffix("\n\n").split("\n\n")]


def test_a_whole_message() -> None:
    """Blocks in the order they came; what a cache held is no input of its own."""
    assert json.loads(whole(call(), [FULL], 0)) == {
        "id": "msg_req-1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "text", "text": "a\u2028b"},
            {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
            {"type": "tool_use", "id": "c2", "name": "g", "input": {}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 7, "cache_read_input_tokens": 60, "cache_creation_input_tokens": 30},
    }


def test_the_events() -> None:
    """One index per block, each begun empty and ended; the counts are those of the whole message."""
    told = events(FULL)

    kinds = [(event["type"], event.get("index")) for event in told]
    assert kinds == [
        ("message_start", None),
        *(("content_block_start", 0), *[("content_block_delta", 0)] * 3, ("content_block_stop", 0)),
        *(("content_block_start", 1), ("content_block_stop", 1)),
        *(("content_block_start", 2), *[("content_block_delta", 2)] * 2, ("content_block_stop", 2)),
        *(("content_block_start", 3), *[("content_block_delta", 3)] * 2, ("content_block_stop", 3)),
        *(("content_block_start", 4), ("content_block_delta", 4), ("content_block_stop", 4)),
        ("message_delta", None),
        ("message_stop", None),
    ]
    assert told[1]["content_block"] == {"type": "thinking", "thinking": "", "signature": ""}
    assert [event["delta"] for event in told if event.get("index") == 2 and "delta" in event] == [
        {"type": "text_delta", "text": "a\u2028"},
        {"type": "text_delta", "text": "b"},
    ]
    assert told[-2]["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}
    assert told[-2]["usage"] == json.loads(whole(call(), [FULL], 0))["usage"]


def test_no_line_is_broken() -> None:
    """What some clients take for the end of a line is escaped."""
    data = Events(call(), 0).events(0, FULL[:6])

    assert "\u2028" not in data.decode()
    assert b"\\u2028" in data


def test_the_prompts_tokens_at_the_start() -> None:
    """An estimate while nothing is known; the upstream's count where it comes first (trap 42)."""
    assert events([Text("a"), STOP, USAGE])[0]["message"]["usage"]["input_tokens"] == 104
    assert events([USAGE, Text("a"), STOP])[0]["message"]["usage"] == {
        "input_tokens": 10,
        "output_tokens": 0,
        "cache_read_input_tokens": 60,
        "cache_creation_input_tokens": 30,
    }


ENDINGS: dict[str, tuple[Finish, tuple[str, ...], str, str | None]] = {
    "an end": (STOP, (), "end_turn", None),
    "another family's word": (Finish("stop", "FINISH"), ("x",), "end_turn", None),
    "a named stop": (Finish("stop", "stop_sequence", stop="x"), ("x", "y"), "stop_sequence", "x"),
    "a stop of ours": (Finish("stop", None, stop="y"), ("x", "y"), "stop_sequence", "y"),
    "the only stop": (Finish("stop", "stop_sequence"), ("x",), "stop_sequence", "x"),
    "one of two stops": (Finish("stop", "stop_sequence"), ("x", "y"), "stop_sequence", None),
    "no room": (Finish("length", "LENGTH"), (), "max_tokens", None),
    "no context": (Finish("length", "model_context_window_exceeded"), (), "model_context_window_exceeded", None),
    "a guardrail": (Finish("content_filter", "guardrail_intervened"), (), "refusal", None),
    "a pause": (Finish("stop", "pause_turn"), (), "pause_turn", None),
}


@pytest.mark.parametrize(("finish", "stops", "reason", "sequence"), ENDINGS.values(), ids=ENDINGS.keys())
def test_endings(finish: Finish, stops: tuple[str, ...], reason: str, sequence: str | None) -> None:
    """Anthropic's word for every reason, and the sequence by name where it can be known."""
    asked = call(stop=stops)
    message = json.loads(whole(asked, [[Text("a"), finish, USAGE]], 0))

    assert (message["stop_reason"], message["stop_sequence"]) == (reason, sequence)
    assert events([Text("a"), finish, USAGE], asked)[-2]["delta"] == {"stop_reason": reason, "stop_sequence": sequence}


def test_a_call_that_never_ended() -> None:
    """Its input is an object all the same, and the reason says why it is empty."""
    message = json.loads(whole(call(), [[ToolCallStart(0, "c", "f"), ToolCallArguments(0, '{"a'), Finish("length"), USAGE]], 0))

    assert (message["content"][0]["input"], message["stop_reason"]) == ({}, "max_tokens")


def test_an_answer_of_nothing() -> None:
    """No content is an answer, too."""
    assert json.loads(whole(call(), [[STOP, USAGE]], 0))["content"] == []
    assert [event["type"] for event in events([STOP, USAGE])] == ["message_start", "message_delta", "message_stop"]


def test_a_reply_without_a_reason() -> None:
    """It is not complete: an error whole, and an error as the last event."""
    with pytest.raises(MalformedReply):
        whole(call(), [[Text("a")]], 0)
    assert events([Text("a")])[-1]["error"]["type"] == "api_error"


def test_an_error_in_the_middle() -> None:
    """It names the request, and nothing follows it."""
    data = Events(call(), 0).error(ModelFailed("It failed"))

    assert data.startswith(b"event: error\ndata: ")
    assert json.loads(data.partition(b"data: ")[2]) == {
        "type": "error",
        "error": {"type": "api_error", "message": "It failed"},
        "request_id": "req-1",
    }
