"""Input items, and the conversation that they are."""

import base64
import json
from typing import Any

import pytest

from adapters.chat import CachePoint, Document, Image, Message, Reasoning, Text, ToolCall
from adapters.deltas import Thought
from gateway.call import Call
from gateway.errors import InvalidRequest
from gateway.keys.model import Key
from gateway.surface.answering import Arrival
from gateway.surface.openai.responses.parse import parse_response
from gateway.surface.openai.responses.thoughts import packed

KEY = Key(id="k", name="n", owner="o", hash="0" * 64)
GIF = base64.b64encode(b"GIF89a").decode()
USER = {"role": "user", "content": "hi"}


def call_of(*items: Any) -> Call:
    return parse_response(json.dumps({"model": "m", "input": items}).encode(), Arrival("req-1", KEY, 0.0))


def read(*items: Any) -> tuple[Message, ...]:
    return call_of(*items).request.messages


def called(call_id: str, name: str = "f", arguments: str = "{}") -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def result(call_id: str, output: Any = "42") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def said(*texts: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []} for text in texts]
    return {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed", "content": content}


def user(*parts: Any) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": parts}


def thought(**fields: Any) -> dict[str, Any]:
    return {"type": "reasoning", "id": "rs_1", "summary": [], "status": "completed"} | fields


CONVERSATIONS: dict[str, tuple[list[Any], tuple[Message, ...]]] = {
    "a message without its type": ([USER], (Message("user", (Text("hi"),)),)),
    "a message whose type is null": ([USER | {"type": None}], (Message("user", (Text("hi"),)),)),
    "with its type": ([USER | {"type": "message", "id": None, "status": None}], (Message("user", (Text("hi"),)),)),
    "roles": (
        [{"role": "system", "content": "a"}, {"role": "developer", "content": [{"type": "input_text", "text": "b"}]}],
        (Message("system", (Text("a"),)), Message("system", (Text("b"),))),
    ),
    "text as it is": ([user({"type": "input_text", "text": "h\u00e9\u2028\x00"})], (Message("user", (Text("h\u00e9\u2028\x00"),)),)),
    "an assistant, easily": ([{"role": "assistant", "content": "yes"}], (Message("assistant", (Text("yes"),)),)),
    "an assistant, as it was received": ([said("a", "b")], (Message("assistant", (Text("a"), Text("b"))),)),
    "an assistant that refused": (
        [{"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}],
        (Message("assistant", (Text("no"),)),),
    ),
    "two messages in a row": ([said("a"), said("b")], (Message("assistant", (Text("a"),)), Message("assistant", (Text("b"),)))),
    "an image": (
        [user({"type": "input_text", "text": "see"}, {"type": "input_image", "image_url": f"data:image/gif;base64,{GIF}"})],
        (Message("user", (Text("see"), Image("image/gif", GIF))),),
    ),
    "a document": (
        [user({"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERg=="})],
        (Message("user", (Document("application/pdf", "JVBERg==", "a.pdf"),)),),
    ),
    "a plain text": (
        [user({"type": "input_file", "file_data": "data:text/plain;base64,aMOp"})],
        (Message("user", (Document("text/plain", "h\u00e9"),)),),
    ),
    "a breakpoint of the cache": (
        [{"role": "system", "content": [{"type": "input_text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}}]}],
        (Message("system", (Text("x"), CachePoint("1h"))),),
    ),
    "a call and its result": (
        [called("1", arguments='{"a":1}'), result("1")],
        (
            Message("assistant", (), (ToolCall("1", "f", '{"a":1}'),)),
            Message("tool", (Text("42"),), tool_call_id="1"),
        ),
    ),
    "everything in one turn": (
        [thought(content=[{"type": "reasoning_text", "text": "hm"}]), said("let me see"), called("1"), called("2"), result("2"), result("1")],
        (
            Message("assistant", (Reasoning("hm"), Text("let me see")), (ToolCall("1", "f", "{}"), ToolCall("2", "f", "{}"))),
            Message("tool", (Text("42"),), tool_call_id="2"),
            Message("tool", (Text("42"),), tool_call_id="1"),
        ),
    ),
    "a call before what is said": (
        [called("1"), said("wait"), result("1")],
        (
            Message("assistant", (Text("wait"),), (ToolCall("1", "f", "{}"),)),
            Message("tool", (Text("42"),), tool_call_id="1"),
        ),
    ),
    "one call after the other": (
        [called("1"), result("1"), called("2"), result("2"), USER],
        (
            Message("assistant", (), (ToolCall("1", "f", "{}"),)),
            Message("tool", (Text("42"),), tool_call_id="1"),
            Message("assistant", (), (ToolCall("2", "f", "{}"),)),
            Message("tool", (Text("42"),), tool_call_id="2"),
            Message("user", (Text("hi"),)),
        ),
    ),
    "no arguments": ([called("1", arguments=""), result("1")], read(called("1"), result("1"))),
    "a result in parts": (
        [called("1"), result("1", [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": f"data:image/gif;base64,{GIF}"}])],
        (
            Message("assistant", (), (ToolCall("1", "f", "{}"),)),
            Message("tool", (Text("a"), Image("image/gif", GIF)), tool_call_id="1"),
        ),
    ),
    "a thought with its seal": (
        [thought(encrypted_content=packed(Thought("hm", "sig")), content=[{"type": "reasoning_text", "text": "forged"}]), said("x")],
        (Message("assistant", (Reasoning("hm", "sig"), Text("x"))),),
    ),
    "a thought that only the model can read": (
        [thought(encrypted_content=packed(Thought(redacted="blob"))), said("x")],
        (Message("assistant", (Reasoning(redacted="blob"), Text("x"))),),
    ),
    "a thought's summary": (
        [thought(summary=[{"type": "summary_text", "text": "hm"}]), said("x")],
        (Message("assistant", (Reasoning("hm"), Text("x"))),),
    ),
    "a thought of nothing": ([thought(), said("x")], (Message("assistant", (Text("x"),)),)),
}  # fmt: skip


@pytest.mark.parametrize(("items", "expected"), CONVERSATIONS.values(), ids=CONVERSATIONS.keys())
def test_conversations(items: list[Any], expected: tuple[Message, ...]) -> None:
    """Items in their order are the messages in theirs; an assistant's pieces are one turn."""
    assert read(*items) == expected


REFUSED: dict[str, tuple[list[Any], str, str]] = {
    "an item by its id": ([{"id": "msg_1"}], "cannot be named by its id", "input[0].type"),
    "an item by reference": ([{"type": "item_reference", "id": "msg_1"}], "cannot be named by its id", "input[0].type"),
    "another kind of item": ([USER, {"type": "web_search_call", "id": "w"}], 'items of type "web_search_call"', "input[1].type"),
    "another kind of part": ([user({"type": "input_audio"})], 'parts of type "input_audio"', "input[0].content[0].type"),
    "no content": ([{"role": "user"}], "content is required", "input[0].content"),
    "no parts": ([user()], "content must not be empty", "input[0].content"),
    "an unknown role": ([{"role": "tool", "content": "x"}], 'unknown value "tool"', "input[0].role"),
    "an unknown field": ([USER | {"name": "ann"}], 'Unrecognized request argument "name"', "input[0].name"),
    "what an assistant says": ([user({"type": "output_text", "text": "x"})], "send input_text", "input[0].content[0]"),
    "an image of an assistant": (
        [{"role": "assistant", "content": [{"type": "input_image", "image_url": "x"}]}],
        "an assistant says nothing else",
        "input[0].content[0]",
    ),
    "instructions in pictures": (
        [{"role": "system", "content": [{"type": "input_image", "image_url": f"data:image/gif;base64,{GIF}"}]}],
        "instructions are text",
        "input[0].content",
    ),
    "an image elsewhere": ([user({"type": "input_image", "image_url": "https://x"})], "never fetches", "input[0].content[0].image_url"),
    "an image by its id": ([user({"type": "input_image", "file_id": "file_1"})], "stores no files", "input[0].content[0]"),
    "a file elsewhere": ([user({"type": "input_file", "file_url": "https://x"})], "fetches none", "input[0].content[0]"),
    "a file by its id": ([user({"type": "input_file", "file_id": "file_1"})], "stores no files", "input[0].content[0]"),
    "a file without a label": ([user({"type": "input_file", "file_data": "JVBERg=="})], "must read data:", "input[0].content[0].file_data"),
    "a broken file": (
        [user({"type": "input_file", "file_data": "data:application/pdf;base64,J"})],
        "not valid base64",
        "input[0].content[0].file_data",
    ),
    "a text that is none": (
        [user({"type": "input_file", "file_data": "data:text/plain;base64,/w=="})],
        "not UTF-8",
        "input[0].content[0].file_data",
    ),
    "a result of no call": ([USER, result("1")], "answers no open tool call", "input[1].call_id"),
    "a result twice": ([called("1"), result("1"), result("1")], "answers no open tool call", "input[2].call_id"),
    "a call without a result": ([called("1")], "no function_call_output", "input[1]"),
    "a call that is passed over": ([called("1"), USER, result("1")], "no function_call_output", "input[1]"),
    "half of two calls": ([called("1"), called("2"), result("2"), said("x")], r"1 tool call\(s\)", "input[3]"),
    "two calls of one id": ([called("1"), called("1"), result("1")], "same id", "input[1]"),
    "arguments that are no object": ([called("1", arguments="[]"), result("1")], "JSON text of one object", "input[0].arguments"),
    "a call in a namespace": ([called("1") | {"namespace": "n"}, result("1")], "namespace is not supported", "input[0].namespace"),
    "a strange name": ([called("1", "a b"), result("1")], "must match", "input[0].name"),
    "a thought from elsewhere": ([thought(encrypted_content="gAAAA")], "not made by this gateway", "input[0].encrypted_content"),
    "a damaged thought": (
        [thought(encrypted_content=packed(Thought("hm", "sig"))[:-3])],
        "damaged",
        "input[0].encrypted_content",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("items", "message", "parameter"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(items: list[Any], message: str, parameter: str) -> None:
    """What cannot be read is a refusal that names its place."""
    with pytest.raises(InvalidRequest, match=message) as caught:
        read(*items)

    assert caught.value.parameter == parameter


ADVISORY: dict[str, tuple[list[Any], tuple[str, ...]]] = {
    "detail": (
        [user({"type": "input_image", "detail": "low", "image_url": f"data:image/gif;base64,{GIF}"})],
        ("input_image.detail",),
    ),
    "detail that means nothing": (
        [user({"type": "input_image", "detail": "auto", "image_url": f"data:image/gif;base64,{GIF}"})],
        (),
    ),
    "a breakpoint": ([user({"type": "input_text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit"}})], ()),
    "a breakpoint for long": (
        [user({"type": "input_text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}})],
        ("prompt_cache_breakpoint.ttl",),
    ),
    "annotations": ([{"role": "assistant", "content": [{"type": "output_text", "text": "x", "annotations": [{}]}]}], ("annotations",)),
    "a thought of nothing": ([thought(), said("x")], ("reasoning",)),
    "a reply as it was received": ([said("x"), called("1") | {"id": "fc_1", "status": "completed"}, result("1")], ()),
}  # fmt: skip


@pytest.mark.parametrize(("items", "expected"), ADVISORY.values(), ids=ADVISORY.keys())
def test_advisory(items: list[Any], expected: tuple[str, ...]) -> None:
    """What changes no answer is accepted, and reported back."""
    assert call_of(*items).request.advisory == expected
