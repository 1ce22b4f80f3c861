"""Replies in content blocks: every stop reason, and streams in an order that nobody has recorded yet."""

import json
from typing import Any

import pytest

from adapters import blocks
from adapters.deltas import Delta, Finish, Text, ToolCallArguments, ToolCallStart, Usage, assemble
from adapters.errors import MalformedReply

CHUNK = dict[str, Any]


def read(*chunks: CHUNK) -> list[Delta]:
    reader = blocks.reader()
    return [delta for chunk in chunks for delta in reader.read(json.dumps(chunk).encode())] + reader.end()


def delta(index: float, **what: Any) -> CHUNK:
    return {"contentBlockDelta": {"delta": what, "contentBlockIndex": index}}


def start(index: float, call_id: str | None, name: str | None, **more: Any) -> CHUNK:
    return {"contentBlockStart": {"start": {"toolUse": {"toolUseId": call_id, "name": name, **more}}, "contentBlockIndex": index}}


def stop(reason: str) -> CHUNK:
    return {"messageStop": {"stopReason": reason}}


HI = delta(0, text="Hi")
COUNTS: CHUNK = {"metadata": {"usage": {"inputTokens": 5, "outputTokens": 2}}}
METRICS: CHUNK = {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 5, "outputTokenCount": 2}}

REASONS = [
    ("end_turn", "stop"),
    ("stop_sequence", "stop"),
    ("max_tokens", "length"),
    ("model_context_window_exceeded", "length"),
    ("guardrail_intervened", "content_filter"),
    ("content_filtered", "content_filter"),
    ("tool_use", "stop"),
]


@pytest.mark.parametrize(("native", "reason"), REASONS)
def test_every_reason_is_openais(native: str, reason: Any) -> None:
    """Whole and streamed alike; ``tool_calls`` is never said of a reply that holds none."""
    body = {"output": {"message": {"content": [{"text": "Hi"}]}}, "stopReason": native}

    assert blocks.decode(json.dumps(body).encode(), None) == [Text("Hi"), Finish(reason, native)]
    assert read(HI, stop(native), COUNTS) == [Text("Hi"), Finish(reason, native), Usage(5, 2)]


@pytest.mark.parametrize("native", ["malformed_model_output", "malformed_tool_use"])
def test_a_failed_generation_is_no_reply(native: str) -> None:
    """The model's own words for what it could not write are errors, not answers."""
    body = {"output": {"message": {"content": [{"text": "{"}]}}, "stopReason": native}

    with pytest.raises(MalformedReply, match=native):
        blocks.decode(json.dumps(body).encode(), None)
    with pytest.raises(MalformedReply, match=native):
        read(HI, stop(native), COUNTS)


def test_a_reason_that_no_table_knows() -> None:
    """It counts as ``stop`` and is reported: a paid reply is not thrown away for a new word."""
    assert read(HI, stop("moonrise"), COUNTS)[1] == Finish("stop", "moonrise", known=False)


def test_an_end_without_counts() -> None:
    """The reason alone ends a reply; what it took is for others to estimate."""
    assert read(HI, stop("end_turn")) == [Text("Hi"), Finish("stop", "end_turn")]


def test_counts_before_the_reason() -> None:
    """The order of the last two events is not what a reply depends on."""
    assert read(HI, COUNTS, stop("end_turn")) == [Text("Hi"), Finish("stop", "end_turn"), Usage(5, 2)]


def test_counts_without_a_reason_are_no_end() -> None:
    """Converse's counts are no terminal event; Bedrock's metrics in the last chunk are."""
    with pytest.raises(MalformedReply):
        read(HI, COUNTS)
    assert read(HI, METRICS) == [Text("Hi"), Finish("stop", None), Usage(5, 2, source="metrics")]


def test_a_guardrail_that_speaks_in_the_last_chunk() -> None:
    """It wins over the model's own word, and nothing of the end has been told before it spoke."""
    last = {**COUNTS, "amazon-bedrock-guardrailAction": "INTERVENED"}

    assert read(HI, stop("end_turn"), last) == [Text("Hi"), Finish("content_filter", "INTERVENED"), Usage(5, 2)]


def test_a_guardrail_without_a_reason() -> None:
    """Bedrock's metrics end a stream that was blocked before the model spoke; a block alone is no end."""
    blocked: CHUNK = {"messageStart": {"role": "assistant"}, "amazon-bedrock-guardrailAction": "INTERVENED"}

    assert read(blocked, METRICS) == [Finish("content_filter", "INTERVENED"), Usage(5, 2, source="metrics")]
    with pytest.raises(MalformedReply):
        read(blocked)


def test_nothing_is_told_after_the_end() -> None:
    """A reply has one end, whatever comes behind it."""
    assert read(HI, stop("end_turn"), COUNTS, HI, stop("max_tokens"), COUNTS) == read(HI, stop("end_turn"), COUNTS)


def test_news_are_passed_over() -> None:
    """Events, blocks and deltas of a later day say nothing, and break nothing."""
    news = [
        {"weatherReport": {"rain": True}},
        {"contentBlockStart": {"start": {"hologram": {}}, "contentBlockIndex": 7}},
        delta(7, hologram="x"),
        delta(7, citation={"title": "house rules"}),
        {"contentBlockStop": {"contentBlockIndex": 7}},
    ]
    body = {"output": {"message": {"content": [{"hologram": {}}, {"text": "Hi"}]}}, "stopReason": "end_turn"}

    assert read(HI, *news, stop("end_turn"), COUNTS) == read(HI, stop("end_turn"), COUNTS)
    assert blocks.decode(json.dumps(body).encode(), None)[0] == Text("Hi")


def test_calls_that_share_an_index() -> None:
    """A start is a new call, whatever its number; the call before it had no arguments."""
    told = read(start(3, "a", "f"), start(3, "b", "g", input={"x": 1}), stop("tool_use"), COUNTS)

    assert [(call.id, call.arguments) for call in assemble(told).tool_calls] == [("a", "{}"), ("b", '{"x":1}')]


def test_calls_interleaved() -> None:
    """Arguments go to the call of their block."""
    told = read(
        start(1, "a", "f"),
        start(5, "b", "f"),
        delta(5, toolUse={"input": '{"x":'}),
        delta(1, toolUse={"input": "{}"}),
        delta(5, toolUse={"input": "2}"}),
        stop("tool_use"),
    )

    assert told[:3] == [ToolCallStart(0, "a", "f"), ToolCallStart(1, "b", "f"), ToolCallArguments(1, '{"x":')]
    assert [call.arguments for call in assemble(told).tool_calls] == ["{}", '{"x":2}']


@pytest.mark.parametrize(
    "chunk",
    [
        delta(4, toolUse={"input": "{}"}),
        start(0, None, "f"),
        start(0, "a", None),
        delta(0, text=7),
        {"contentBlockDelta": "text"},
        {"messageStop": {"stopReason": 1}},
    ],
    ids=["arguments of no call", "no id", "no name", "text of another type", "no object", "a reason of another type"],
)
def test_what_cannot_be_read(chunk: CHUNK) -> None:
    """A call without its head, or a known field of another type, is malformed."""
    with pytest.raises(MalformedReply):
        read(chunk, stop("end_turn"))


def test_an_empty_answer_is_one_when_the_model_says_so() -> None:
    """After a tool's result a model may have nothing to add; without a reason there is no answer."""
    empty: CHUNK = {"output": {"message": {"content": []}}}

    assert blocks.decode(json.dumps({**empty, "stopReason": "end_turn"}).encode(), None) == [Finish("stop", "end_turn")]
    with pytest.raises(MalformedReply):
        blocks.decode(json.dumps(empty).encode(), None)
