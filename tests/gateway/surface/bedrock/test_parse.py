"""Converse's bodies into canonical requests: everything that AWS has a member for, and what nobody here can honour."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import chat
from gateway.call import Call
from gateway.errors import InvalidRequest
from gateway.keys.model import Key
from gateway.surface.answering import Arrival
from gateway.surface.bedrock.contents import MEDIA_TYPES
from gateway.surface.bedrock.parse import ADDITIONAL, Notes, parse_converse

KEY = Key("k", "n", "o", "")
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(8)).decode()
USER = {"role": "user", "content": [{"text": "hi"}]}
CALL = {"toolUse": {"toolUseId": "t1", "name": "f", "input": {"a": [1, None]}}}
SPEC = {"toolSpec": {"name": "f", "description": "d", "inputSchema": {"json": {"type": "object"}}, "strict": True}}


def parse(body: Any, path: bytes = b"/bedrock/model/team%2Fa%3A1/converse") -> Call:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parse_converse(data, Arrival("req-1", KEY, 1.5, path, ()), stream=True)


def asked(**changes: Any) -> chat.ChatRequest:
    return parse({"messages": [USER]} | changes).request


def turn(*blocks: dict[str, Any]) -> chat.Message:
    """The one message that a user's turn of these blocks becomes."""
    (message,) = asked(messages=[{"role": "user", "content": list(blocks)}]).messages
    return message


def test_the_call() -> None:
    """The alias is the path's, decoded once; the rest is what arrived."""
    call = parse({"messages": [USER]})

    assert (call.id, call.key, call.alias, call.received_at, call.stream) == ("req-1", KEY, "team/a:1", 1.5, True)
    assert call.request == chat.ChatRequest(messages=(chat.Message("user", (chat.Text("hi"),)),))


PARTS = {
    "text": ({"text": "  as it is \n"}, chat.Text("  as it is \n")),
    "empty text": ({"text": ""}, chat.Text("")),
    "image": ({"image": {"format": "png", "source": {"bytes": PNG}}}, chat.Image("image/png", PNG)),
    "text document": (
        {"document": {"format": "txt", "name": "notes", "source": {"bytes": base64.b64encode("é".encode()).decode()}}},
        chat.Document("text/plain", "é", "notes"),
    ),
    "document as text": (
        {"document": {"name": "notes", "source": {"text": "plain"}}},
        chat.Document("text/plain", "plain", "notes"),
    ),
    "pdf": (
        {"document": {"format": "pdf", "name": "a", "source": {"bytes": "JVBERg=="}}},
        chat.Document("application/pdf", "JVBERg==", "a"),
    ),
    "guarded text": ({"guardContent": {"text": {"text": "g", "qualifiers": ["query"]}}}, chat.Text("g")),
    "guarded image": (
        {"guardContent": {"image": {"format": "png", "source": {"bytes": PNG}}}},
        chat.Image("image/png", PNG),
    ),
    "cache point": ({"cachePoint": {"type": "default", "ttl": "1h"}}, chat.CachePoint("1h")),
}


@pytest.mark.parametrize(("block", "part"), PARTS.values(), ids=PARTS.keys())
def test_a_block_of_a_user(block: dict[str, Any], part: chat.Part) -> None:
    """Each kind of block is one part, its text untouched."""
    assert turn(block).parts == (part,)


@pytest.mark.parametrize("word", MEDIA_TYPES)
def test_every_format_of_documents(word: str) -> None:
    """Each of Converse's words has a media type."""
    (part,) = turn({"document": {"format": word, "name": "a", "source": {"bytes": "YQ=="}}}).parts

    assert part == chat.Document(MEDIA_TYPES[word], "a" if word == "txt" else "YQ==", "a")


def test_the_system() -> None:
    """Its blocks are one message, before the turns."""
    first, second = asked(system=[{"text": "a"}, {"cachePoint": {"type": "default"}}, {"text": "b"}]).messages

    assert first == chat.Message("system", (chat.Text("a"), chat.CachePoint(), chat.Text("b")))
    assert second.role == "user"


def test_an_assistant_s_turn() -> None:
    """Text, thoughts with their seals, and calls, whose arguments are JSON text."""
    blocks = [
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
        {"reasoningContent": {"redactedContent": base64.b64encode(b"sealed").decode()}},
        {"text": "Let me see"},
        {"citationsContent": {"content": [{"text": "so it"}, {"text": " is"}], "citations": [{}]}},
        CALL,
    ]
    result = {"toolResult": {"toolUseId": "t1", "content": [{"text": "x"}]}}
    request = asked(messages=[USER, {"role": "assistant", "content": blocks}, {"role": "user", "content": [result]}])

    assert request.messages[1] == chat.Message(
        "assistant",
        (chat.Reasoning("hm", "s"), chat.Reasoning(redacted="sealed"), chat.Text("Let me see"), chat.Text("so it is")),
        (chat.ToolCall("t1", "f", '{"a":[1,null]}'),),
    )
    assert request.advisory == ("citations",)


def test_results_of_tools() -> None:
    """A turn of results and text becomes its pieces in order; a cache point stays with what it caches."""
    results = [
        {"toolResult": {"toolUseId": "t1", "content": [{"json": {"b": 1}}, {"text": "x"}], "status": "error"}},
        {"cachePoint": {"type": "default"}},
        {"toolResult": {"toolUseId": "t2", "content": [{"image": {"format": "png", "source": {"bytes": PNG}}}]}},
        {"text": "go"},
        {"text": "on"},
    ]
    calls = [CALL, {"toolUse": {"toolUseId": "t2", "name": "f", "input": {}}}]
    request = asked(messages=[USER, {"role": "assistant", "content": calls}, {"role": "user", "content": results}])

    assert request.messages[2:] == (
        chat.Message("tool", (chat.Text('{"b":1}'), chat.Text("x"), chat.CachePoint()), tool_call_id="t1", is_error=True),
        chat.Message("tool", (chat.Image("image/png", PNG),), tool_call_id="t2"),
        chat.Message("user", (chat.Text("go"), chat.Text("on"))),
    )


def test_tools() -> None:
    """Specifications, a cache point behind the tools that it caches, and the four ways to choose."""
    config = {"tools": [SPEC, {"cachePoint": {"type": "default"}}]}
    request = asked(toolConfig=config)

    assert request.tools == (chat.ToolSpec("f", "d", {"type": "object"}, True, chat.CachePoint()),)
    assert request.tool_choice is None
    assert asked(toolConfig=config | {"toolChoice": {"auto": {}}}).tool_choice == chat.ToolChoice("auto")
    assert asked(toolConfig=config | {"toolChoice": {"any": {}}}).tool_choice == chat.ToolChoice("required")
    assert asked(toolConfig=config | {"toolChoice": {"tool": {"name": "f"}}}).tool_choice == chat.ToolChoice("named", "f")


def test_an_answer_in_json() -> None:
    """``outputConfig`` holds its schema as text."""
    wanted = {"schema": '{"type": "object"}', "name": "n", "description": "d"}
    config = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": wanted}}}

    assert asked(outputConfig=config).response_format == chat.ResponseFormat("json_schema", "n", {"type": "object"})


KNOBS = {
    "inferenceConfig": (
        {"inferenceConfig": {"maxTokens": 5, "temperature": 0.5, "topP": 1, "stopSequences": ["x"]}},
        {"max_tokens": 5, "temperature": 0.5, "top_p": 1, "stop": ("x",)},
    ),
    "top_k": ({"additionalModelRequestFields": {"top_k": 50}}, {"top_k": 50}),
    "top_k as a float": ({"additionalModelRequestFields": {"top_k": 50.0}}, {"top_k": 50}),
    "Cohere's k": ({"additionalModelRequestFields": {"k": 5}}, {"top_k": 5}),
    "Nova's topK": ({"additionalModelRequestFields": {"inferenceConfig": {"topK": 5}}}, {"top_k": 5}),
    "thinking": (
        {"additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 2048}}},
        {"reasoning_tokens": 2048},
    ),
    "no thinking": ({"additionalModelRequestFields": {"reasoning_config": {"type": "disabled"}}}, {}),
    "Nova's reasoning": (
        {"additionalModelRequestFields": {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}},
        {"reasoning_effort": "low"},
    ),
    "the rest": (
        {"additionalModelRequestFields": {"seed": 1, "frequency_penalty": 0.1, "reasoning_effort": "high"}},
        {"seed": 1, "frequency_penalty": 0.1, "reasoning_effort": "high"},
    ),
}


@pytest.mark.parametrize(("body", "knobs"), KNOBS.values(), ids=KNOBS.keys())
def test_knobs(body: dict[str, Any], knobs: dict[str, Any]) -> None:
    """Every parameter by every name that it has on Bedrock."""
    assert asked(**body).sampling == chat.Sampling(**knobs)


def test_what_changes_no_answer() -> None:
    """It is accepted, and reported by its own name."""
    request = asked(
        requestMetadata={"team": "search"},
        performanceConfig={"latency": "optimized"},
        serviceTier={"type": "default"},
        promptVariables={"question": {"text": "Why?"}},
        additionalModelResponseFieldPaths=["/stop_sequence", "/other"],
    )

    assert request.advisory == ("additionalModelResponseFieldPaths", "performanceConfig", "promptVariables", "requestMetadata")
    assert request.variables == {"question": "Why?"}
    assert parse({"messages": [USER], "additionalModelResponseFieldPaths": ["/stop_sequence"]}).notes == Notes(tells_stop=True)


def body(*blocks: Any, role: str = "user") -> dict[str, Any]:
    return {"messages": [{"role": role, "content": list(blocks)}]}


REFUSED: dict[str, tuple[Any, str]] = {
    "no JSON": (b"{", "valid JSON"),
    "no UTF-8": (b'{"messages": [{"role": "\xff"}]}', "UTF-8"),
    "nothing": (b"", "empty"),
    "too deep": (b'{"additionalModelRequestFields":' + b'{"a":' * 2000 + b"1" + b"}" * 2000 + b"}", "nested too deeply"),
    "no messages": ({}, "messages is required"),
    "empty messages": ({"messages": []}, "messages must not be empty"),
    "empty content": (body(), "content must not be empty"),
    "an unknown member": ({"messages": [USER], "sytem": []}, '"sytem"; did you mean system?'),
    "an unknown role": (body({"text": "x"}, role="system"), "system"),
    "a block of nothing": (body({}), "messages[0].content[0] must have exactly one member"),
    "a block of two": (body({"text": "x", "cachePoint": {"type": "default"}}), "exactly one member"),
    "video": (body({"video": {}}), "messages[0].content[0].video is not supported"),
    "audio": (body({"audio": {}}), "no family here reads audio"),
    "an image on S3": (body({"image": {"format": "png", "source": {"s3Location": {"uri": "s3://a/b"}}}}), "fetches nothing"),
    "an image of another kind": (body({"image": {"format": "jpeg", "source": {"bytes": PNG}}}), "the bytes are image/png"),
    "an image of none": (body({"image": {"format": "png", "source": {"bytes": "YQ=="}}}), "no PNG, JPEG, GIF or WebP"),
    "no base64": (body({"image": {"format": "png", "source": {"bytes": "é"}}}), "not valid base64"),
    "no bytes": (body({"image": {"format": "png", "source": {}}}), "must have bytes"),
    "a text that is none": (body({"document": {"format": "txt", "name": "a", "source": {"bytes": "/w=="}}}), "no text in UTF-8"),
    "citations": (
        body({"document": {"name": "a", "source": {"text": "x"}, "citations": {"enabled": True}}}),
        "no family here cites",
    ),
    "a document's context": (
        body({"document": {"name": "a", "source": {"text": "x"}, "context": "c"}}),
        "context is not supported",
    ),
    "a call of the user's": (body(CALL), "toolUse has no place in this turn"),
    "a thought of the user's": (body({"reasoningContent": {"reasoningText": {"text": "x"}}}), "no place in this turn"),
    "an image of the assistant's": (
        {"messages": [USER, {"role": "assistant", "content": [{"image": {"format": "png", "source": {"bytes": PNG}}}]}]},
        "no place in this turn",
    ),
    "a result without a call": (body({"toolResult": {"toolUseId": "t1", "content": []}}), "answers no open tool call"),
    "a call without a result": (
        {"messages": [USER, {"role": "assistant", "content": [CALL]}, USER]},
        "have no toolResult in the turn after it",
    ),
    "a call at the end": ({"messages": [USER, {"role": "assistant", "content": [CALL]}]}, "have no toolResult"),
    "a call of no object": (
        {"messages": [USER, {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": "f", "input": "x"}}]}]},
        "input must be an object",
    ),
    "a tool's name": (
        {"messages": [USER], "toolConfig": {"tools": [{"toolSpec": {"name": "a b", "inputSchema": {"json": {}}}}]}},
        "must match",
    ),
    "a tool twice": ({"messages": [USER], "toolConfig": {"tools": [SPEC, SPEC]}}, 'two tools are called "f"'),
    "a system tool": ({"messages": [USER], "toolConfig": {"tools": [{"systemTool": {"name": "web"}}]}}, "must be a toolSpec"),
    "a cache point before tools": (
        {"messages": [USER], "toolConfig": {"tools": [{"cachePoint": {"type": "default"}}]}},
        "after the tools",
    ),
    "a choice of none": (
        {"messages": [USER], "toolConfig": {"tools": [SPEC], "toolChoice": {}}},
        "exactly one of auto, any and tool",
    ),
    "an unknown choice": (
        {"messages": [USER], "toolConfig": {"tools": [SPEC], "toolChoice": {"tool": {"name": "g"}}}},
        '"g" is not among the tools',
    ),
    "a schema that is none": (
        {
            "messages": [USER],
            "outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{"}}}},
        },
        "must be the JSON text of a schema",
    ),
    "a guardrail": ({"messages": [USER], "guardrailConfig": {"guardrailIdentifier": "a"}}, "guardrailConfig"),
    "variables": ({"messages": [USER], "promptVariables": {"a": {"text": 1}}}, "promptVariables.text must be a string"),
    "a tier": ({"messages": [USER], "serviceTier": {"type": "priority"}}, 'serviceTier "priority"'),
    "an unknown field": (
        {"messages": [USER], "additionalModelRequestFields": {"colour": 1}},
        "additionalModelRequestFields.colour",
    ),
    "a knob of another kind": ({"messages": [USER], "additionalModelRequestFields": {"top_k": "5"}}, "top_k must be an integer"),
    "half a knob": ({"messages": [USER], "additionalModelRequestFields": {"top_k": 5.5}}, "must be an integer"),
    "an endless knob": (
        b'{"messages":[{"role":"user","content":[{"text":"x"}]}],"additionalModelRequestFields":{"top_k":1e999}}',
        "",
    ),
    "thinking of another kind": (
        {"messages": [USER], "additionalModelRequestFields": {"thinking": {"type": "auto"}}},
        "thinking must be",
    ),
    "no tokens": (
        {"messages": [USER], "inferenceConfig": {"maxTokens": 0}},
        "inferenceConfig.maxTokens is 0; it must be at least 1",
    ),
    "a temperature": ({"messages": [USER], "inferenceConfig": {"temperature": 1.5}}, "inferenceConfig.temperature is 1.5"),
}


@pytest.mark.parametrize(("request_", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(request_: Any, words: str) -> None:
    """The message names the member, as the caller spells it, and says what to change."""
    with pytest.raises(InvalidRequest) as caught:
        parse(request_)

    assert words in str(caught.value)


def test_schemas_are_not_bottomless() -> None:
    """JSON of the caller's that families walk through is bounded, wherever it stands."""
    deep: Any = {}
    for _ in range(100):
        deep = {"a": deep}
    spec = {"toolSpec": {"name": "f", "inputSchema": {"json": deep}}}
    call = {"toolUse": {"toolUseId": "t1", "name": "f", "input": deep}}
    for request in (
        {"messages": [USER], "toolConfig": {"tools": [spec]}},
        {"messages": [USER, {"role": "assistant", "content": [call]}]},
    ):
        with pytest.raises(InvalidRequest, match="nested deeper"):
            parse(request)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "image", "toolUse", "json", "a"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(_json, st.sampled_from([*ADDITIONAL, "x"]), _json)
def test_whatever_is_sent(block: Any, name: str, value: Any) -> None:
    """A stranger's JSON is a request or a refusal, never anything else."""
    request = {"messages": [{"role": "user", "content": [block, {"text": "x"}]}], "additionalModelRequestFields": {name: value}}
    try:
        call = parse(json.dumps(request).encode())
    except InvalidRequest:
        return
    assert call.request.messages
