"""Deltas in Converse's words: botocore's parser reads what is written, and a stream and a whole reply say the same."""

import base64
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import EventStreamJSONParser, RestJSONParser

from adapters.chat import ChatRequest
from adapters.deltas import (
    Delta,
    Finish,
    FinishReason,
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
from gateway.errors import UpstreamThrottled
from gateway.keys.model import Key
from gateway.surface.bedrock.contents import redacted
from gateway.surface.bedrock.parse import Notes
from gateway.surface.bedrock.render import Events, whole

SERVICE = ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"))
WHOLE = SERVICE.operation_model("Converse").output_shape
STREAM = SERVICE.operation_model("ConverseStream").output_shape.members["stream"]
END = Finish("stop", "end_turn")
USAGE = Usage(110, 5, cache_read_tokens=60, cache_write_tokens=40)


def call(**fields: Any) -> Call:
    return Call(id="req-1", key=Key("k", "n", "o", ""), alias="a", request=ChatRequest(messages=()), received_at=0.0, **fields)


def reply(*deltas: Delta, **fields: Any) -> dict[str, Any]:
    """A whole reply, as botocore reads it."""
    response = {"status_code": 200, "headers": {}, "body": whole(call(**fields), [deltas], 0)}
    parsed: dict[str, Any] = RestJSONParser().parse(response, WHOLE)
    del parsed["ResponseMetadata"]
    return parsed


def events(*batches: list[Delta], **fields: Any) -> list[dict[str, Any]]:
    """A streamed reply, as botocore reads it."""
    out = Events(call(**fields), 0)
    data = b"".join(out.events(0, batch) for batch in batches) + out.end()
    return parsed(data)


def parsed(data: bytes) -> list[dict[str, Any]]:
    buffer, parser = EventStreamBuffer(), EventStreamJSONParser()
    buffer.add_data(data)
    return [parser.parse(event.to_response_dict(), STREAM) for event in buffer]


def joined(stream: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The content of a stream's message, block by block, by the rules of AWS's reference: whoever reads streams does this."""
    blocks: dict[int, dict[str, Any]] = {}
    for event in stream:
        if "contentBlockStart" in event:
            start = event["contentBlockStart"]
            blocks[start["contentBlockIndex"]] = {"toolUse": start["start"]["toolUse"] | {"input": ""}}
        if "contentBlockDelta" in event:
            delta, block = (
                event["contentBlockDelta"]["delta"],
                blocks.setdefault(event["contentBlockDelta"]["contentBlockIndex"], {}),
            )
            if "text" in delta:
                block["text"] = block.get("text", "") + delta["text"]
            elif "toolUse" in delta:
                block["toolUse"]["input"] += delta["toolUse"]["input"]
            else:
                thought = block.setdefault("reasoningContent", {})
                for member, text in delta["reasoningContent"].items():
                    thought[member] = thought[member] + text if member in thought else text
    return [blocks[index] for index in sorted(blocks)]


REPLIES: dict[str, tuple[list[Delta], list[dict[str, Any]], list[dict[str, Any]]]] = {
    "text": ([Text("a"), Text(""), Text("b")], [{"text": "ab"}], [{"text": "ab"}]),
    "thought and text": (
        [Reasoning("h"), Reasoning("m"), ReasoningSignature("sig"), Text("a")],
        [{"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}}, {"text": "a"}],
        [{"reasoningContent": {"text": "hm", "signature": "sig"}}, {"text": "a"}],
    ),
    "thoughts, one of them sealed": (
        [Reasoning("h"), ReasoningSignature("s1"), RedactedReasoning("zz"), Reasoning("i"), ReasoningSignature("s2")],
        [
            {"reasoningContent": {"reasoningText": {"text": "h", "signature": "s1"}}},
            {"reasoningContent": {"redactedContent": b"zz"}},
            {"reasoningContent": {"reasoningText": {"text": "i", "signature": "s2"}}},
        ],
        [
            {"reasoningContent": {"text": "h", "signature": "s1"}},
            {"reasoningContent": {"redactedContent": b"zz"}},
            {"reasoningContent": {"text": "i", "signature": "s2"}},
        ],
    ),
    "text between calls": (
        [
            Text("a"),
            ToolCallStart(0, "t0", "f"),
            ToolCallArguments(0, '{"x":'),
            ToolCallArguments(0, "1}"),
            Text("b"),
            ToolCallStart(1, "t1", "g"),
        ],
        [
            {"text": "a"},
            {"toolUse": {"toolUseId": "t0", "name": "f", "input": {"x": 1}}},
            {"text": "b"},
            {"toolUse": {"toolUseId": "t1", "name": "g", "input": {}}},
        ],
        [
            {"text": "a"},
            {"toolUse": {"toolUseId": "t0", "name": "f", "input": '{"x":1}'}},
            {"text": "b"},
            {"toolUse": {"toolUseId": "t1", "name": "g", "input": "{}"}},
        ],
    ),
    "a call that was cut": (
        [ToolCallStart(0, "t0", "f"), ToolCallArguments(0, '{"x":')],
        [{"toolUse": {"toolUseId": "t0", "name": "f", "input": '{"x":'}}],
        [{"toolUse": {"toolUseId": "t0", "name": "f", "input": '{"x":'}}],
    ),
}


@pytest.mark.parametrize(("deltas", "content", "streamed"), REPLIES.values(), ids=REPLIES.keys())
def test_content(deltas: list[Delta], content: list[dict[str, Any]], streamed: list[dict[str, Any]]) -> None:
    """The same blocks in the same order, whole and streamed, however the deltas are batched."""
    end: list[Delta] = [END, USAGE]

    assert reply(*deltas, *end)["output"]["message"] == {"role": "assistant", "content": content}
    assert joined(events([*deltas, *end])) == streamed
    assert joined(events(*([delta] for delta in [*deltas, *end]))) == streamed


def test_an_empty_answer() -> None:
    """A reply of nothing has one empty text, for whoever looks at the first block; a stream has no block."""
    assert reply(END)["output"]["message"]["content"] == [{"text": ""}]
    assert [next(iter(event)) for event in events([END])] == ["messageStart", "messageStop", "metadata"]


def test_order() -> None:
    """Start once, a stop for every block, the reason, then the counts, though the family sent them earlier."""
    stream = events([USAGE], [Text("a")], [ToolCallStart(0, "t", "f"), Finish("tool_calls", "tool_use")])

    assert [next(iter(event)) for event in stream] == [
        "messageStart",
        "contentBlockDelta",
        "contentBlockStop",
        "contentBlockStart",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ]


def test_counts() -> None:
    """AWS counts what a cache held apart from the input; the total is all of it."""
    expected = {
        "inputTokens": 10,
        "outputTokens": 5,
        "totalTokens": 115,
        "cacheReadInputTokens": 60,
        "cacheWriteInputTokens": 40,
    }

    assert reply(Text("a"), END, USAGE)["usage"] == expected
    assert events([Text("a"), END, USAGE])[-1]["metadata"]["usage"] == expected
    assert reply(Text("a"), END, Usage(3, 4))["usage"] == {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}


REASONS: list[tuple[FinishReason, str | None, str | None, str]] = [
    ("stop", "end_turn", None, "end_turn"),
    ("stop", "stop", None, "end_turn"),
    ("stop", None, None, "end_turn"),
    ("stop", "stop_sequence", "END", "stop_sequence"),
    ("stop", "FINISH", "END", "stop_sequence"),
    ("stop", "tool_use", None, "end_turn"),
    ("length", "LENGTH", None, "max_tokens"),
    ("length", "model_context_window_exceeded", None, "model_context_window_exceeded"),
    ("tool_calls", "tool_calls", None, "tool_use"),
    ("content_filter", "refusal", None, "content_filtered"),
    ("content_filter", "INTERVENED", None, "guardrail_intervened"),
    ("content_filter", "guardrail_intervened", None, "guardrail_intervened"),
]


@pytest.mark.parametrize(("reason", "native", "stop", "said"), REASONS)
def test_why_it_ended(reason: FinishReason, native: str | None, stop: str | None, said: str) -> None:
    """Converse's own words alone, and never one that contradicts the reply."""
    finish = Finish(reason, native, stop=stop)

    assert reply(Text("a"), finish)["stopReason"] == said
    assert events([Text("a"), finish])[-2] == {"messageStop": {"stopReason": said}}


def test_which_stop_it_was() -> None:
    """To whoever asks for ``/stop_sequence``, and to nobody else."""
    finish = Finish("stop", "stop_sequence", stop="END")

    assert reply(Text("a"), finish, notes=Notes(tells_stop=True))["additionalModelResponseFields"] == {"stop_sequence": "END"}
    assert events([finish], notes=Notes(tells_stop=True))[-2]["messageStop"]["additionalModelResponseFields"] == {
        "stop_sequence": "END"
    }
    assert "additionalModelResponseFields" not in reply(Text("a"), finish)


def test_a_reply_that_never_finished() -> None:
    """It is no reply: an error whole, an exception frame streamed."""
    with pytest.raises(MalformedReply):
        reply(Text("a"))
    out = Events(call(), 0)
    first, last = parsed(out.events(0, [Text("a")])), out.end()

    assert [next(iter(event)) for event in first] == ["messageStart", "contentBlockDelta"]
    buffer = EventStreamBuffer()
    buffer.add_data(last)
    (frame,) = list(buffer)
    assert frame.headers[":exception-type"] == "modelStreamErrorException"


def test_an_error_inside() -> None:
    """One exception frame of the stream's own names."""
    buffer = EventStreamBuffer()
    buffer.add_data(Events(call(), 0).error(UpstreamThrottled("later")))
    (frame,) = list(buffer)

    assert (frame.headers[":message-type"], frame.headers[":exception-type"]) == ("exception", "throttlingException")
    assert frame.payload == b'{"message":"later"}'


def test_a_sealed_thought_comes_back() -> None:
    """What a caller is shown of it is what the next turn takes: base64 on the wire, around the upstream's own text."""
    assert base64.b64decode(redacted("zz==é")).decode() == "zz==é"
