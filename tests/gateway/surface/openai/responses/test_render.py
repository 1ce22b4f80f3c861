"""What a caller of responses reads, whole and as events."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from adapters.chat import Reasoning as EarlierThought
from adapters.deltas import (
    Delta,
    Finish,
    Logprobs,
    Reasoning,
    ReasoningSignature,
    RedactedReasoning,
    Text,
    TokenLogprob,
    ToolCallArguments,
    ToolCallStart,
    Usage,
)
from adapters.errors import MalformedReply
from gateway.call import Call
from gateway.errors import DeadlineExceeded, UpstreamError, UpstreamThrottled
from gateway.keys.model import Key
from gateway.surface.answering import Arrival
from gateway.surface.openai.responses.parse import parse_response
from gateway.surface.openai.responses.render import Events, whole
from gateway.surface.openai.responses.thoughts import unpacked

KEY = Key(id="k", name="n", owner="o", hash="0" * 64)
ENCRYPTED = {"include": ["reasoning.encrypted_content"]}

TEXT: Sequence[Delta] = (Text("Hel"), Text("lo"), Finish("stop"), Usage(5, 2, cache_read_tokens=3))
CALLS: Sequence[Delta] = (
    Text("Let me see"),
    ToolCallStart(0, "call_0", "weather"),
    ToolCallArguments(0, '{"city":'),
    ToolCallArguments(0, '"Rome"}'),
    ToolCallStart(1, "call_1", "clock"),
    Finish("tool_calls"),
    Usage(5, 9),
)
THOUGHTS: Sequence[Delta] = (
    Reasoning("hm, "),
    Reasoning("so"),
    ReasoningSignature("sig"),
    RedactedReasoning("blob"),
    Reasoning("and"),
    Text("yes"),
    Finish("stop"),
    Usage(5, 30),
)


def call_of(**fields: object) -> Call:
    return parse_response(json.dumps({"model": "support-haiku", "input": "hi"} | fields).encode(), Arrival("req-1", KEY, 0.0))


def reply_of(deltas: Sequence[Delta], **fields: object) -> Any:
    return json.loads(whole(call_of(**fields), [deltas], 1_700_000_000))


def read(data: bytes) -> list[Any]:
    """The events of a stream, each named as its type says, numbered from 0 without a gap."""
    events = []
    for piece in data.removesuffix(b"\n\n").split(b"\n\n"):
        name, _, body = piece.partition(b"\n")
        events.append(json.loads(body.removeprefix(b"data: ")))
        assert name == f"event: {events[-1]['type']}".encode()
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    return events


def stream_of(*batches: Sequence[Delta], **fields: object) -> list[Any]:
    events = Events(call_of(stream=True, **fields), 1_700_000_000)
    return read(b"".join(events.events(0, batch) for batch in batches) + events.end())


def test_whole() -> None:
    """OpenAI's object: the request is repeated, what was not said is null, and nothing claims to be stored."""
    asked = {
        "instructions": "Be brief.",
        "max_output_tokens": 50,
        "temperature": 0.5,
        "top_p": 0.9,
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"format": {"type": "json_schema", "name": "X", "schema": {"type": "object"}, "strict": True}},
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
        "tool_choice": {"type": "function", "name": "f"},
        "parallel_tool_calls": False,
        "top_logprobs": 2,
        "metadata": {"a": "b"},
        "user": "u",
        "store": True,
        "max_tool_calls": 3,
        "prompt_cache_key": "k",
        "safety_identifier": "s",
    }
    same = {name: value for name, value in asked.items() if name not in {"store", "reasoning"}}

    assert reply_of(TEXT, **asked) == same | {
        "id": "resp_req-1",
        "object": "response",
        "created_at": 1_700_000_000,
        "status": "completed",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": "support-haiku",
        "output": [
            {
                "type": "message",
                "id": "msg_req-1_0",
                "status": "completed",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}],
            }
        ],
        "previous_response_id": None,
        "reasoning": {"effort": "low", "summary": None},
        "service_tier": None,
        "store": False,
        "truncation": "disabled",
        "usage": {
            "input_tokens": 5,
            "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
            "output_tokens": 2,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 7,
        },
    }


def test_defaults() -> None:
    """What the caller left to the alias is null; what OpenAI's clients count on has its usual value."""
    reply = reply_of(TEXT)

    assert (reply["temperature"], reply["top_p"], reply["max_output_tokens"], reply["instructions"]) == (None,) * 4
    assert (reply["tool_choice"], reply["tools"], reply["parallel_tool_calls"]) == ("auto", [], True)
    assert (reply["text"], reply["metadata"]) == ({"format": {"type": "text"}}, {})


def test_calls() -> None:
    """Each call is an item of its own; without any arguments they are an empty object."""
    message, *calls = reply_of(CALLS)["output"]

    assert message["content"][0]["text"] == "Let me see"
    assert calls == [
        {
            "type": "function_call",
            "id": "fc_req-1_1",
            "status": "completed",
            "call_id": "call_0",
            "name": "weather",
            "arguments": '{"city":"Rome"}',
        },
        {"type": "function_call", "id": "fc_req-1_2", "status": "completed", "call_id": "call_1", "name": "clock", "arguments": "{}"},
    ]  # fmt: skip


def test_thoughts() -> None:
    """A thought ends with its seal; one that only the model can read shows nothing; what is never sealed is one thought."""
    reply = reply_of(THOUGHTS)

    assert [item["type"] for item in reply["output"]] == ["reasoning"] * 3 + ["message"]
    assert [item.get("content") for item in reply["output"][:3]] == [
        [{"type": "reasoning_text", "text": "hm, so"}],
        [],
        [{"type": "reasoning_text", "text": "and"}],
    ]
    assert {item["encrypted_content"] for item in reply["output"][:3]} == {None}
    assert reply["usage"]["output_tokens_details"]["reasoning_tokens"] == 3


def test_thoughts_to_be_sent_back() -> None:
    """With ``include`` each thought holds all that a later turn needs."""
    thoughts = [item["encrypted_content"] for item in reply_of(THOUGHTS, **ENCRYPTED)["output"][:3]]

    assert [unpacked(thought, "x") for thought in thoughts] == [
        EarlierThought("hm, so", "sig"),
        EarlierThought(redacted="blob"),
        EarlierThought("and"),
    ]


def test_a_seal_alone() -> None:
    """A thought that is kept to itself still has its seal."""
    first, _ = reply_of((ReasoningSignature("sig"), Text("x"), Finish("stop")), **ENCRYPTED)["output"]

    assert unpacked(first["encrypted_content"], "x") == EarlierThought("", "sig")


def test_reasoning_is_never_more_than_the_output() -> None:
    """The estimate of reasoning is bounded by what was counted."""
    usage = reply_of((Reasoning("x" * 100), Finish("stop"), Usage(5, 2)))["usage"]

    assert usage["output_tokens_details"]["reasoning_tokens"] == 2


ENDS = {
    "stop": (Finish("stop"), "completed", None, "completed"),
    "calls": (Finish("tool_calls"), "completed", None, "completed"),
    "length": (Finish("length"), "incomplete", {"reason": "max_output_tokens"}, "incomplete"),
    "a guardrail": (Finish("content_filter"), "incomplete", {"reason": "content_filter"}, "incomplete"),
}


@pytest.mark.parametrize(("finish", "status", "details", "of_item"), ENDS.values(), ids=ENDS.keys())
def test_ends(finish: Finish, status: str, details: object, of_item: str) -> None:
    """Why a response ended, in its status, its last item's, and the name of the last event."""
    reply = reply_of((Text("x"), finish))
    *_, done, last = stream_of([Text("x"), finish])

    assert (reply["status"], reply["incomplete_details"], reply["output"][-1]["status"]) == (status, details, of_item)
    assert (last["type"], done["item"]["status"], last["response"]) == (f"response.{status}", of_item, reply)


def test_an_answer_of_nothing() -> None:
    """A reply that says nothing is a message of no text, not an empty list."""
    assert reply_of((Finish("stop"),))["output"][0]["content"][0]["text"] == ""


def test_no_finish() -> None:
    """A reply that never finished is none."""
    with pytest.raises(MalformedReply):
        whole(call_of(), [(Text("x"),)], 0)
    assert [event["type"] for event in stream_of([Text("x")])][-2:] == ["error", "response.failed"]


MESSAGE = [
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
]
THOUGHT = [name.replace("output_text", "reasoning_text") for name in MESSAGE]
CALL = [
    "response.output_item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.output_item.done",
]
ORDERS = {
    "text": (TEXT, MESSAGE),
    "text and calls": (CALLS, MESSAGE + CALL + CALL),
    "thoughts": (THOUGHTS, [*THOUGHT, THOUGHT[0], THOUGHT[-1], *THOUGHT, *MESSAGE]),
    "nothing": ((Finish("stop"),), [name for name in MESSAGE if "delta" not in name]),
    "text between calls": (
        (ToolCallStart(0, "a", "f"), Text("x"), ToolCallStart(1, "b", "f"), Finish("tool_calls")),
        CALL + MESSAGE + CALL,
    ),
}


@pytest.mark.parametrize(("deltas", "expected"), ORDERS.values(), ids=ORDERS.keys())
@pytest.mark.parametrize("batched", [True, False], ids=["at once", "one by one"])
def test_order(deltas: Sequence[Delta], expected: list[str], batched: bool) -> None:
    """OpenAI's order: an item is done before the next begins, a part before its item."""
    events = stream_of(deltas) if batched else stream_of(*[[delta] for delta in deltas])

    names = [event["type"] for event in events]
    once = [name for place, name in enumerate(names) if name != names[place - 1]]  # deltas of a kind follow each other
    assert once == ["response.created", "response.in_progress", *expected, "response.completed"]


@pytest.mark.parametrize("deltas", [TEXT, CALLS, THOUGHTS], ids=["text", "calls", "thoughts"])
def test_a_stream_adds_up(deltas: Sequence[Delta]) -> None:
    """The pieces of every item, joined, are what its ``done`` says, and the last event holds the whole reply."""
    events = stream_of(deltas, **ENCRYPTED)

    assert events[-1]["response"] == reply_of(deltas, **ENCRYPTED)
    for place, item in enumerate(events[-1]["response"]["output"]):
        mine = [event for event in events if event.get("output_index") == place]
        assert mine[0]["item"]["id"] == item["id"]
        assert mine[-1]["item"] == item
        assert {event["item_id"] for event in mine if "item_id" in event} <= {item["id"]}
        joined = "".join(event["delta"] for event in mine if "delta" in event)
        assert joined == item.get("arguments", "".join(part["text"] for part in item.get("content", [])))


def test_first_events() -> None:
    """The stream begins with a response of nothing, in progress, that has all of the request."""
    created, in_progress, *_ = stream_of(TEXT, instructions="a")

    assert created["response"] == in_progress["response"]
    assert (created["response"]["status"], created["response"]["output"], created["response"]["usage"]) == (
        "in_progress",
        [],
        None,
    )
    assert created["response"]["instructions"] == "a"


LIKELY = Logprobs((TokenLogprob("Hé", -0.5, (("Hi", float("-inf")),)),))


def test_logprobs() -> None:
    """A delta has its text and that text's tokens; the part has all of them; nobody else sees any."""
    deltas = (Text("Hé"), LIKELY, Text("!"), Logprobs((TokenLogprob("!", -1.0),)), Finish("stop"))
    shown = {
        "token": "Hé",
        "logprob": -0.5,
        "bytes": [72, 195, 169],
        "top_logprobs": [{"token": "Hi", "logprob": -9999.0, "bytes": [72, 105]}],
    }

    events = stream_of(deltas[:2], deltas[2:], top_logprobs=1)

    assert next(event["logprobs"] for event in events if event["type"].endswith("text.delta")) == [shown]
    (part,) = events[-1]["response"]["output"][0]["content"]
    assert (part["text"], part["logprobs"][0], len(part["logprobs"])) == ("Hé!", shown, 2)
    assert reply_of(deltas)["output"][0]["content"][0]["logprobs"] == []


def test_logprobs_keep_the_order() -> None:
    """Thoughts before the answer and calls after it stay where they are, log probabilities or none."""
    deltas = (Reasoning("hm"), Text("Hé"), LIKELY, ToolCallStart(0, "a", "f"), Finish("tool_calls"))

    assert [item["type"] for item in reply_of(deltas, top_logprobs=1)["output"]] == ["reasoning", "message", "function_call"]


FAILURES = {
    "an upstream": (UpstreamError("The model stopped answering"), "upstream_error", "server_error"),
    "a throttle": (UpstreamThrottled("Too many"), "upstream_throttled", "rate_limit_exceeded"),
    "the time": (DeadlineExceeded("Too long"), "deadline_exceeded", "server_error"),
    "a bug": (ZeroDivisionError("secret"), "internal_error", "server_error"),
}


@pytest.mark.parametrize(("error", "code", "word"), FAILURES.values(), ids=FAILURES.keys())
def test_failures(error: Exception, code: str, word: str) -> None:
    """The error as its clients look for it, then the failed response with what was done; no item is closed that was open."""
    events = Events(call_of(stream=True), 0)
    data = events.events(0, [*THOUGHTS[:3], Text("half")]) + events.error(error)

    *_, failure, failed = read(data)

    assert failure["type"] == "error"
    assert failure["error"] == {"message": failure["message"], "type": failure["error"]["type"], "param": None, "code": code}
    assert (failed["type"], failed["response"]["status"], failed["response"]["error"]["code"]) == (
        "response.failed",
        "failed",
        word,
    )
    assert [item["type"] for item in failed["response"]["output"]] == ["reasoning"]
    assert b"secret" not in data


def test_failure_at_the_first_batch() -> None:
    """Also a stream that fails before it has said anything begins as one."""
    events = Events(call_of(stream=True), 0)

    assert [event["type"] for event in read(events.error(UpstreamError("x")))] == [
        "response.created",
        "response.in_progress",
        "error",
        "response.failed",
    ]


def test_a_call_that_comes_back() -> None:
    """Pieces of two calls that are mixed make no call that a client could trust."""
    mixed = (ToolCallStart(0, "a", "f"), ToolCallStart(1, "b", "f"), ToolCallArguments(0, "{}"), Finish("tool_calls"))

    with pytest.raises(MalformedReply):
        reply_of(mixed)


def test_line_ends() -> None:
    """What some clients take for the end of a line is escaped, and arrives as it was."""
    events = Events(call_of(stream=True), 0)
    data = events.events(0, [Text("a\u2028b\u0085c\r\n\nd"), Finish("stop")]) + events.end()

    assert not {"\u2028", "\u0085", "\r"} & set(data.decode())
    assert read(data)[-1]["response"]["output"][0]["content"][0]["text"] == "a\u2028b\u0085c\r\n\nd"
