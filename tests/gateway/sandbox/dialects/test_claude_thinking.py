"""Claude's thinking in the sandbox: what it demands of a body, what it refuses, and in whose words.

Sources: AWS "claude-messages-extended-thinking", and refusals as callers of Bedrock recorded them.
"""

import re

import pytest

from gateway.sandbox.dialects.catalogue import dialect_of
from gateway.sandbox.dialects.claude_seals import HIDES_THOUGHTS, is_redacted, is_sealed, redacted, seal
from gateway.sandbox.dialects.dialect import Origin
from gateway.sandbox.errors import AwsError
from gateway.sandbox.models import Shelf, models
from gateway.sandbox.replies.answer import answer

SHELF = Shelf(models(), "us-west-2")
SONNET_3_7 = "anthropic.claude-3-7-sonnet-20250219-v1:0"
SONNET_4_5 = "anthropic.claude-sonnet-4-5-20250929-v1:0"
MAGIC = HIDES_THOUGHTS
QUESTION = {"role": "user", "content": "Count to 12"}
BODY = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 2000,
    "messages": [QUESTION],
    "thinking": {"type": "enabled", "budget_tokens": 1024},
}
CLOCK = {"name": "get_time", "input_schema": {"type": "object"}}
USE = {"type": "tool_use", "id": "t1", "name": "get_time", "input": {}}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "Noon", "is_error": False}]}


def told(body, name=SONNET_3_7):
    """The whole reply and the chunks of the stream to one body."""
    model = SHELF.find(name)
    dialect, origin = dialect_of(model), Origin(model, "0123456789abcdef" * 4)
    ask = dialect.read(body, origin)
    made = answer(ask)
    return dialect.whole(made, ask, origin), [chunk.body for chunk in dialect.chunks(made, ask, origin)]


def asking(*blocks, **changes):
    return BODY | {"messages": [QUESTION, {"role": "assistant", "content": list(blocks)}, RESULT], "tools": [CLOCK]} | changes


def test_a_thought_comes_first_and_sealed():
    """Whole and streamed the same thought, then the answer; all of it counts as output."""
    body, chunks = told(BODY)
    deltas = [chunk["delta"] for chunk in chunks if chunk["type"] == "content_block_delta"]
    thought, text = body["content"]

    assert is_sealed(thought["thinking"], thought["signature"])
    assert text["text"].startswith("1, 2, 3")
    assert "".join(delta.get("thinking", "") for delta in deltas) == thought["thinking"]
    assert [delta["signature"] for delta in deltas if delta["type"] == "signature_delta"] == [thought["signature"]]
    assert [chunk["index"] for chunk in chunks if chunk["type"] == "content_block_start"] == [0, 1]
    assert body["usage"]["output_tokens"] == chunks[-2]["usage"]["output_tokens"] > len(text["text"].split())


def test_a_hidden_thought_comes_whole():
    """Anthropic documents a text that hides the thoughts: they come as data in a block's start."""
    body, chunks = told(BODY | {"messages": [{"role": "user", "content": f"Count to 12 {MAGIC}"}]})
    start = chunks[1]["content_block"]

    assert body["content"][0] == start
    assert start["type"] == "redacted_thinking"
    assert is_redacted(start["data"])


@pytest.mark.parametrize("thinking", [None, {"type": "disabled"}])
def test_nothing_is_thought_unasked(thinking):
    """Without thinking, or with it disabled, the answer stands alone."""
    body = {name: value for name, value in BODY.items() if name != "thinking"} | ({"thinking": thinking} if thinking else {})

    assert [block["type"] for block in told(body)[0]["content"]] == ["text"]


@pytest.mark.parametrize("model", [SONNET_3_7, SONNET_4_5])
def test_its_own_thoughts_are_taken_back(model):
    """A sealed or hidden thought before the call, and the call's result, are a legal body."""
    for thought in (
        {"type": "thinking", "thinking": "Hm", "signature": seal("Hm")},
        {"type": "redacted_thinking", "data": redacted("Hm")},
    ):
        assert told(asking(thought, USE), model)[0]["stop_reason"] == "end_turn"


REFUSED = {
    "least budget": (BODY | {"thinking": {"type": "enabled", "budget_tokens": 1023}}, "greater than or equal to 1024"),
    "no budget": (BODY | {"thinking": {"type": "enabled"}}, "thinking.enabled.budget_tokens: Field required"),
    "no room": (BODY | {"max_tokens": 1024}, "`max_tokens` must be greater than `thinking.budget_tokens`."),
    "temperature": (BODY | {"temperature": 0.5}, "`temperature` may only be set to 1 when thinking is enabled"),
    "top_k": (BODY | {"top_k": 4}, "`top_k` must be unset when thinking is enabled"),
    "top_p": (BODY | {"top_p": 0.5}, "`top_p` must be greater than or equal to 0.95"),
    "forced": (
        BODY | {"tools": [CLOCK], "tool_choice": {"type": "any"}},
        "Thinking may not be enabled when tool_choice forces tool use.",
    ),
    "call without thought": (asking(USE), "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`"),
    "another's thought": (
        asking({"type": "thinking", "thinking": "Hm!", "signature": seal("Hm")}, USE),
        "messages.1.content.0: Invalid `signature` in `thinking` block",
    ),
    "another's hidden thought": (
        asking({"type": "redacted_thinking", "data": "eHg="}, USE),
        "messages.1.content.0: Invalid `data` in `redacted_thinking` block",
    ),
    "five cache points": (
        BODY | {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}] * 5}]},
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(body, words):
    """Each rule of thinking and caching, in the model's words behind Bedrock's."""
    with pytest.raises(AwsError, match=re.escape(words)) as caught:
        told(body)

    assert caught.value.name == "ValidationException"
    assert caught.value.message.startswith("The model returned the following errors: ")


@pytest.mark.parametrize(
    ("model", "change", "words"),
    [
        ("haiku-support", {}, "#: extraneous key [thinking] is not permitted"),
        (SONNET_3_7, {"output_config": {}}, "#: extraneous key [output_config] is not permitted"),
        (SONNET_4_5, {"temperature": 1, "top_p": 1}, "`temperature` and `top_p` cannot both be specified for this model."),
    ],
)
def test_what_a_generation_cannot_do(model, change, words):
    """A model refuses what only its successors, or its ancestors, can."""
    with pytest.raises(AwsError, match=re.escape(words)):
        told(BODY | change, model)


def test_a_tool_that_the_system_text_orders_is_called():
    """A model told to end with a call ends with it, also after another tool's result; and calls the other first where it fits."""
    final = {
        "name": "final",
        "input_schema": {"type": "object", "properties": {"time": {"type": "string"}}, "required": ["time"]},
    }
    fields = {"tools": [CLOCK, final], "system": 'At the end, call the tool "final".', "max_tokens": 500}
    plain = {name: value for name, value in BODY.items() if name != "thinking"} | fields
    first, _ = told(plain | {"messages": [{"role": "user", "content": "What time is it? get time"}]})
    last, _ = told(plain | {"messages": [QUESTION, {"role": "assistant", "content": [USE]}, RESULT]})

    assert [first["content"][0]["name"], last["content"][0]["name"]] == ["get_time", "final"]
