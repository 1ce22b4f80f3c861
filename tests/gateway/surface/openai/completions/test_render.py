"""What a completion's caller reads, whole and streamed."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from adapters.deltas import Delta, Finish, Logprobs, Reasoning, Text, TokenLogprob, ToolCallStart, Usage
from adapters.errors import MalformedReply
from gateway.call import Call
from gateway.errors import UpstreamError
from gateway.keys.model import Key
from gateway.surface.answering import Arrival
from gateway.surface.openai.completions.parse import parse_completion
from gateway.surface.openai.completions.render import Events, whole

KEY = Key(id="k", name="n", owner="o", hash="0" * 64)
HELLO: Sequence[Delta] = (Text(" upon"), Text(" a time"), Finish("stop"), Usage(5, 2))
LIKELY = Logprobs((TokenLogprob(" upon", -0.25, ((" upon", -0.25), (" more", -2.0))), TokenLogprob(" a", float("-inf"))))


def call_of(**fields: object) -> Call:
    body = {"model": "llama", "prompt": "Once"} | fields
    return parse_completion(json.dumps(body).encode(), Arrival("req-1", KEY, 0.0))


def reply_to(call: Call, *choices: Sequence[Delta]) -> Any:
    return json.loads(whole(call, choices, 1_700_000_000))


def events_of(call: Call, *batches: tuple[int, Sequence[Delta]]) -> list[Any]:
    events = Events(call, 1_700_000_000)
    data = b"".join(events.events(choice, deltas) for choice, deltas in batches) + events.end()
    pieces = data.removesuffix(b"\n\n").split(b"\n\n")
    assert pieces.pop() == b"data: [DONE]"
    return [json.loads(piece.removeprefix(b"data: ")) for piece in pieces]


def test_whole() -> None:
    """OpenAI's object, whose id holds the request's."""
    reply = reply_to(call_of(), HELLO)

    assert reply["usage"].pop("prompt_tokens_details") == {"cached_tokens": 0, "cache_write_tokens": 0}
    assert reply == {
        "id": "cmpl-req-1",
        "object": "text_completion",
        "created": 1_700_000_000,
        "model": "llama",
        "choices": [{"index": 0, "text": " upon a time", "finish_reason": "stop", "logprobs": None}],
        "usage": {
            "prompt_tokens": 5,
            "completion_tokens": 2,
            "total_tokens": 7,
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
    }


def test_prompts() -> None:
    """Choices count on from prompt to prompt, and the usage is that of all of them."""
    call = call_of(prompt=["a", "b"], n=2, echo=True)
    texts = [(Text(text), Finish("length"), Usage(1, 2)) for text in "wxyz"]

    reply = reply_to(call, *texts)

    assert [(choice["index"], choice["text"]) for choice in reply["choices"]] == [(0, "aw"), (1, "ax"), (2, "by"), (3, "bz")]
    assert {choice["finish_reason"] for choice in reply["choices"]} == {"length"}
    assert (reply["usage"]["prompt_tokens"], reply["usage"]["completion_tokens"]) == (4, 8)


def test_best_of() -> None:
    """Of each prompt the likeliest by the token are shown, the best first; what they cost is told of all."""

    def text(name: str, *logprobs: float) -> Sequence[Delta]:
        tokens = tuple(TokenLogprob("t", logprob) for logprob in logprobs)
        return (Text(name), *([Logprobs(tokens)] if tokens else []), Finish("stop"), Usage(1, 1))

    call = call_of(prompt=["p", "q"], best_of=3, n=2)
    first = text("long", -0.5, -0.5, -0.5), text("bad", -4.0), text("best", -0.1)
    second = text("none"), text("tie", -1.0), text("tie too", -1.0)

    reply = reply_to(call, *first, *second)

    assert [choice["text"] for choice in reply["choices"]] == ["best", "long", "tie", "tie too"]
    assert [choice["index"] for choice in reply["choices"]] == [0, 1, 2, 3]
    assert {choice["logprobs"] for choice in reply["choices"]} == {None}
    assert reply["usage"]["total_tokens"] == 12


def test_logprobs() -> None:
    """Four lists, place by place; what is next to impossible has OpenAI's figure."""
    reply = reply_to(call_of(logprobs=2), (Text(" upon a"), LIKELY, Finish("stop"), Usage(1, 2)))

    assert reply["choices"][0]["logprobs"] == {
        "tokens": [" upon", " a"],
        "token_logprobs": [-0.25, -9999.0],
        "top_logprobs": [{" upon": -0.25, " more": -2.0}, {}],
        "text_offset": [0, 5],
    }


def test_logprobs_of_the_chosen_alone() -> None:
    """``logprobs: 0`` asks for no others; and who asks for none sees none."""
    deltas = (Text(" upon a"), LIKELY, Finish("stop"))

    assert reply_to(call_of(logprobs=0), deltas)["choices"][0]["logprobs"]["top_logprobs"] is None
    assert reply_to(call_of(), deltas)["choices"][0]["logprobs"] is None


REASONS = {
    "stop": (Finish("stop"), "stop"),
    "length": (Finish("length"), "length"),
    "a guardrail": (Finish("content_filter"), "content_filter"),
    "a call that nobody offered": (Finish("tool_calls"), "stop"),
}


@pytest.mark.parametrize(("finish", "reason"), REASONS.values(), ids=REASONS.keys())
def test_reasons(finish: Finish, reason: str) -> None:
    """The three reasons that a completion has, whole and streamed."""
    deltas = (Reasoning("hm"), ToolCallStart(0, "c", "f"), Text("x"), finish)

    assert reply_to(call_of(), deltas)["choices"][0]["finish_reason"] == reason
    assert events_of(call_of(stream=True), (0, deltas))[-1]["choices"][0]["finish_reason"] == reason


def test_no_finish() -> None:
    """A text that never finished is no reply."""
    with pytest.raises(MalformedReply):
        whole(call_of(), [(Text("x"),)], 0)
    assert b'"error"' in Events(call_of(stream=True), 0).end()


def test_stream() -> None:
    """Text by text; the reason in a last chunk of no text; nothing that was not asked for."""
    chunks = events_of(call_of(stream=True), (0, [Text(" upon"), Text("")]), (0, [Text(" a\u2028time"), *HELLO[2:]]))

    assert [chunk["choices"][0]["text"] for chunk in chunks] == [" upon", " a\u2028time", ""]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None, None, "stop"]
    assert {(chunk["id"], chunk["object"], chunk["created"], chunk["model"]) for chunk in chunks} == {
        ("cmpl-req-1", "text_completion", 1_700_000_000, "llama")
    }
    assert all("usage" not in chunk for chunk in chunks)


def test_stream_usage() -> None:
    """The counts of all texts in a last chunk without choices; null in every other."""
    call = call_of(stream=True, prompt=["a", "b"], stream_options={"include_usage": True})

    *chunks, last = events_of(call, (1, HELLO), (0, HELLO))

    assert {chunk["usage"] for chunk in chunks} == {None}
    assert (last["choices"], last["usage"]["total_tokens"]) == ([], 14)


def test_stream_echo() -> None:
    """Each text begins with its own prompt, once, before anything of the answer."""
    call = call_of(stream=True, prompt=["a", "b"], echo=True)

    chunks = events_of(call, (1, [Text("y")]), (0, [Text("x")]), (1, [Text("z"), Finish("stop")]), (0, [Finish("stop")]))

    said = [(chunk["choices"][0]["index"], chunk["choices"][0]["text"]) for chunk in chunks]
    assert said == [(1, "b"), (1, "y"), (0, "a"), (0, "x"), (1, "z"), (0, ""), (1, "")]


def test_stream_logprobs() -> None:
    """A chunk has its text and that text's tokens; offsets count on through the stream."""
    more = Logprobs((TokenLogprob(" time", -1.0),))

    first, second, _ = events_of(
        call_of(stream=True, logprobs=1), (0, [Text(" upon a"), LIKELY]), (0, [more, Text(" time"), Finish("stop")])
    )

    assert first["choices"][0]["text"] == " upon a"
    assert first["choices"][0]["logprobs"]["text_offset"] == [0, 5]
    assert second["choices"][0]["logprobs"] == {
        "tokens": [" time"],
        "token_logprobs": [-1.0],
        "top_logprobs": [{}],
        "text_offset": [7],
    }


def test_stream_error() -> None:
    """A failure is one event in OpenAI's envelope."""
    data = Events(call_of(stream=True), 0).error(UpstreamError("The model stopped answering"))

    assert json.loads(data.removeprefix(b"data: "))["error"]["code"] == "upstream_error"
