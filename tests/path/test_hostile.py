"""Hostile input against the running gateway: never a 5xx, never a traceback, one line each, and it works on afterwards."""

import asyncio
import copy
import gzip
import json
import random
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest

from gateway.surface.openapi import document
from tests.stack import SECRET, Stack

CHAT = "/v1/chat/completions"
ASK: dict[str, Any] = {"model": "haiku-support", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5}
FULL: dict[str, Any] = ASK | {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "name": "a", "content": [{"type": "text", "text": "hi"}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "done"},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "stop": ["x"],
    "temperature": 0.5,
    "top_p": 0.5,
    "n": 1,
    "stream": True,
    "stream_options": {"include_usage": True},
    "metadata": {"a": "b"},
}
COMPLETION: dict[str, Any] = {
    "model": "llama3-support",
    "prompt": ["hi", "there"],
    "max_tokens": 5,
    "n": 1,
    "best_of": 1,
    "echo": True,
    "stop": ["x"],
    "temperature": 0.5,
    "stream": True,
    "stream_options": {"include_usage": True},
}
RESPONSE: dict[str, Any] = {
    "model": "haiku-support",
    "instructions": "Be brief.",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "yes", "annotations": []}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "done"}]},
    ],
    "tools": [{"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}}],
    "tool_choice": {"type": "function", "name": "f"},
    "text": {"format": {"type": "text"}},
    "include": ["reasoning.encrypted_content"],
    "max_output_tokens": 5,
    "temperature": 0.5,
    "top_p": 0.5,
    "stream": True,
    "metadata": {"a": "b"},
}
MESSAGE: dict[str, Any] = {
    "model": "haiku-support",
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "redacted_thinking", "data": "x"},
                {"type": "text", "text": "yes", "citations": None},
                {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "is_error": True, "content": [{"type": "text", "text": "done"}]},
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "d"}, "title": "t"},
            ],
        },
    ],
    "tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}}],
    "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
    "stop_sequences": ["x"],
    "max_tokens": 5,
    "temperature": 0.5,
    "top_p": 0.5,
    "top_k": 5,
    "stream": True,
    "metadata": {"user_id": "b"},
}
COUNT: dict[str, Any] = {name: MESSAGE[name] for name in ("model", "system", "messages", "tools", "tool_choice")}
CONVERSE: dict[str, Any] = {
    "system": [{"text": "Be brief."}, {"cachePoint": {"type": "default"}}],
    "messages": [
        {"role": "user", "content": [{"text": "hi"}, {"guardContent": {"text": {"text": "g"}}}]},
        {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
                {"reasoningContent": {"redactedContent": "eA=="}},
                {"text": "yes"},
                {"toolUse": {"toolUseId": "c1", "name": "f", "input": {"a": 1}}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"toolResult": {"toolUseId": "c1", "content": [{"json": {"a": 1}}, {"text": "done"}], "status": "error"}},
                {"document": {"format": "txt", "name": "d", "source": {"bytes": "eA=="}}},
            ],
        },
    ],
    "toolConfig": {
        "tools": [
            {"toolSpec": {"name": "f", "description": "d", "inputSchema": {"json": {"type": "object"}}}},
            {"cachePoint": {"type": "default"}},
        ],
        "toolChoice": {"tool": {"name": "f"}},
    },
    "inferenceConfig": {"maxTokens": 5, "temperature": 0.5, "topP": 0.5, "stopSequences": ["x"]},
    "additionalModelRequestFields": {"top_k": 5},
    "additionalModelResponseFieldPaths": ["/stop_sequence"],
    "requestMetadata": {"a": "b"},
    "performanceConfig": {"latency": "standard"},
    "serviceTier": {"type": "default"},
}
# Path, the schema of its body, and a request that uses nearly all of it.
SURFACES = {
    "chat": (CHAT, "ChatCompletionBody", FULL),
    "completions": ("/v1/completions", "CompletionBody", COMPLETION),
    "responses": ("/v1/responses", "ResponseBody", RESPONSE),
    "messages": ("/v1/messages", "MessageBody", MESSAGE),
    "counts": ("/v1/messages/count_tokens", "CountBody", COUNT),
    "converse": ("/bedrock/model/haiku-support/converse", "ConverseBody", CONVERSE),
    "converse-stream": ("/bedrock/model/haiku-support/converse-stream", "ConverseBody", CONVERSE),
}
each_surface = pytest.mark.parametrize(("path", "schema", "full"), SURFACES.values(), ids=SURFACES.keys())
VALUES: list[Any] = [
    None, True, -1, 0, 0.5, 1e308, 10**30, "", "x", "\x00", "\ud800", "a" * 10_000, [], [[]], [None], {}, {"": {}}, {"type": "x"},
]  # fmt: skip


@pytest.fixture
async def hostile(stack: Stack, within: Callable[..., Any]) -> AsyncIterator[Callable[..., Any]]:
    """Sends a body of any bytes and judges the answer; at the end the gateway must have logged each and still work."""
    sent = 0
    # A connection that has been idle for so long is closed by the client itself, which may have chosen it a moment ago.
    async with httpx.AsyncClient(
        base_url=stack.url, headers=stack.headers, timeout=30, limits=httpx.Limits(keepalive_expiry=None)
    ) as client:

        async def send(body: bytes, path: str = CHAT, **headers: str) -> httpx.Response:
            nonlocal sent
            sent += 1
            reply = await client.post(path, content=body, headers=headers)
            judge(reply, body)
            return reply

        yield send

        assert (await client.post(CHAT, json=ASK)).status_code == 200
        lines = await within(lambda: len(stack.lines()) == sent + 1 and stack.lines())
    assert {line["outcome"] for line in lines} <= {"complete", "refused"}
    assert stack.lines("library") == []


def judge(reply: httpx.Response, body: bytes) -> None:
    """A 200, or a 4xx in the endpoint's envelope."""
    about = (reply.status_code, body[:300], reply.text[:300])
    assert reply.status_code == 200 or 400 <= reply.status_code < 500, about
    if reply.status_code != 200 and reply.request.url.path.startswith("/bedrock/"):
        assert set(reply.json()) == {"message"}, about
        assert reply.headers["x-amzn-errortype"].endswith("Exception"), about
        assert len(reply.content) < 2_000, about
    elif reply.status_code != 200:
        anthropic = "/messages" in reply.request.url.path
        assert set(reply.json()["error"]) == ({"message", "type"} if anthropic else {"message", "type", "param", "code"}), about
        assert len(reply.content) < 2_000, about
    else:
        assert b'{"error"' not in reply.content, about
        assert b"event: error" not in reply.content, about
        assert b":exception-type" not in reply.content, about


def encoded(body: Any) -> bytes:
    return json.dumps(body).encode()  # lone surrogates become escapes, as a sender's library would write them


NOT_JSON = {
    "nothing": b"",
    "white space": b" \n",
    "text": b"hello",
    "half an object": encoded(ASK)[:-3],
    "two objects": encoded(ASK) * 2,
    "trailing comma": b'{"model":"haiku-support",}',
    "deep arrays": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "deep inside": encoded(ASK)[:-1] + b',"metadata":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    "bad UTF-8": b'{"model":"\xff\xfe"}',
    "bad UTF-8 in a prompt": encoded(ASK).replace(b'"hi"', b'"\xc3\x28"'),
    "UTF-16": encoded(ASK).decode().encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + encoded(ASK),
    "NaN": encoded(ASK)[:-1] + b',"temperature":NaN}',
    "Infinity": encoded(ASK)[:-1] + b',"temperature":-Infinity}',
    "huge integer": encoded(ASK)[:-1] + b',"seed":' + b"9" * 5_000 + b"}",
    "huge exponent": encoded(ASK)[:-1] + b',"temperature":1e99999}',
    "not an object": b"[]",
    "a number": b"1",
    "null": b"null",
    "form": b"model=haiku-support&messages=hi",
    "NUL bytes": b"\x00" * 1_000,
}


@each_surface
async def test_what_is_no_json(hostile: Callable[..., Any], path: str, schema: str, full: Any) -> None:
    """Bytes of every wrong kind are 400."""
    for name, body in NOT_JSON.items():
        assert (await hostile(body, path)).status_code == 400, name


async def test_a_key_that_stands_twice(hostile: Callable[..., Any]) -> None:
    """Two parsers could read two requests in it, so it is none."""
    reply = await hostile(encoded(ASK)[:-1] + b',"model":"nobody"}')

    assert reply.status_code == 400
    assert "given twice" in reply.json()["error"]["message"]


async def test_a_body_in_another_coding(hostile: Callable[..., Any]) -> None:
    """A compressed body is 415 and not inflated; no content type is needed, and a wrong one is no trouble."""
    packed = gzip.compress(encoded(ASK))

    assert (await hostile(packed, **{"content-encoding": "gzip"})).status_code == 415
    assert (await hostile(packed)).status_code == 400
    assert (await hostile(encoded(ASK), **{"content-type": "text/plain; charset=latin-1"})).status_code == 200


@each_surface
async def test_every_field_with_every_wrong_value(hostile: Callable[..., Any], path: str, schema: str, full: Any) -> None:
    """Each field of the schema with values of all types: taken or refused with 400, never 5xx."""
    components = document("1")["components"]["schemas"]
    fields = [name for name in components[schema]["properties"] if name != "model"]
    assert len(fields) >= 12
    needed = ("model", "prompt", "input", "max_output_tokens", "messages", "max_tokens", "tools")
    ask = ASK if path == CHAT else {name: full[name] for name in needed if name in full}

    for field in fields:
        replies = await asyncio.gather(*(hostile(encoded(ask | {field: value}), path) for value in VALUES))
        assert {reply.status_code for reply in replies} <= {200, 400}


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place inside a value."""
    if path:
        yield path
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, child in entries:
        yield from places(child, (*path, step))


def mutated(dice: random.Random, full: Any) -> Any:
    """A full request with one to three of its values replaced, removed, repeated or buried."""
    body = copy.deepcopy(full)
    for _ in range(dice.randint(1, 3)):
        *above, last = dice.choice(list(places(body)))
        parent = body
        for step in above:
            parent = parent[step]
        match dice.randrange(4):
            case 0:
                del parent[last]
            case 1:
                parent[last] = [parent[last]] * dice.choice([1, 2, 50])
            case 2:
                parent[last] = {dice.choice(["", "type", "role", "\x00"]): parent[last]}
            case _:
                parent[last] = copy.deepcopy(dice.choice(VALUES))
    return body


@each_surface
async def test_mutations_of_a_full_request(hostile: Callable[..., Any], path: str, schema: str, full: Any) -> None:
    """Three hundred near misses of a request that uses everything, always the same three hundred."""
    dice = random.Random(20261122)
    assert (await hostile(encoded(full), path)).status_code == 200

    statuses = [(await hostile(encoded(mutated(dice, full)), path)).status_code for _ in range(300)]

    assert {200, 400} <= set(statuses) <= {200, 400, 404}


async def raw(stack: Stack, sent: bytes, *, closes: bool = True) -> tuple[int, dict[str, str], bytes]:
    """Send bytes; the first reply's status and headers, and what follows: all of it, or its own body where nobody closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(stack.url.rsplit(":", 1)[1]))
    try:
        writer.write(sent)
        async with asyncio.timeout(10):
            head = await reader.readuntil(b"\r\n\r\n")
            first, *fields = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
            rest = await (reader.read() if closes else reader.readexactly(int(headers["content-length"])))
    finally:
        writer.close()
    return int(first.split(" ")[1]), headers, rest


def request(method: bytes, path: bytes, *fields: bytes, body: bytes = b"") -> bytes:
    """One request that closes its connection."""
    head = [method + b" " + path + b" HTTP/1.1", b"host: x", b"connection: close", f"authorization: Bearer {SECRET}".encode()]
    return b"\r\n".join([*head, *fields, b"", body])


PATHS = {
    b"/v1/models/%2e%2e": 404,
    b"/v1/models/..%2f..%2fmetrics": 404,
    b"/v1/../metrics": 404,
    b"/v1/models/%ff%fe": 404,
    b"/v1/models/%00": 404,
    b"/v1/models/%0d%0ax-evil:%20y": 404,
    b"/v1/models/" + b"a" * 9_000: 404,
    b"/metrics%00": 404,
    b"/metrics;a=b": 404,
    b"/%": 404,
    b"/%zz": 404,
    b"*": 404,
    b"/v1/models?a=%ff&a=%00": 200,
    b"//v1//models": 200,
    b"/v1/models/": 200,
    b"/v1/model%73": 200,
    b"http://elsewhere/v1/models": 200,
    b"http://[elsewhere/v1/models": 400,
    b"/v1/models/\xff": 400,
    b"v1/models": 400,
}


async def test_tricks_with_the_path(stack: Stack) -> None:
    """Every spelling is one path or none: known, 404 in the envelope, or no HTTP at all."""
    for path, expected in PATHS.items():
        status, headers, body = await raw(stack, request(b"GET", path))

        assert status == expected, path
        assert "x-evil" not in headers, path
        if status == 404:
            assert json.loads(body)["error"]["type"] == "invalid_request_error", path


HOSTS = [b"", b"host: \xff", b"host: a b", b"host: x/../y", b"host:", b"host: other", b"x-forwarded-host: evil"]


@pytest.mark.parametrize("path", [b"/readyz", b"/v1/models"])
async def test_tricks_with_the_host(stack: Stack, path: bytes) -> None:
    """No host decides anything, and none is sent back."""
    for host in HOSTS:
        status, headers, body = await raw(stack, request(b"GET", path, *([host] if host else [])))

        assert status in {200, 400}, host
        assert b"evil" not in body + str(headers).encode(), host


async def test_a_body_larger_than_allowed(stack: Stack, within: Callable[..., Any]) -> None:
    """Declared or not, whole or endless: 413 as soon as it is known, without waiting for the rest."""
    declared = request(b"POST", CHAT.encode(), b"content-length: 10000000")
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    endless = request(b"POST", CHAT.encode(), b"transfer-encoding: chunked") + chunk * 20

    for sent in (declared, endless):
        status, _, body = await raw(stack, sent.replace(b"\r\nconnection: close\r\n", b"\r\n"), closes=False)
        assert (status, json.loads(body)["error"]["code"]) == (413, "body_too_large")
    async with httpx.AsyncClient(base_url=stack.url, headers=stack.headers) as client:
        whole = await client.post(CHAT, content=encoded(ASK | {"user": "a" * 10_000_000}))
        after = await client.post(CHAT, json=ASK)

    assert whole.status_code == 413
    assert after.status_code == 200
    lines = await within(lambda: len(stack.lines()) == 4 and stack.lines())
    assert [line["status"] for line in lines] == [413, 413, 413, 200]


LENGTHS = {
    "negative": (b"content-length: -1", 400),
    "signed": (b"content-length: +5", 400),
    "not a number": (b"content-length: ten", 400),
    "beyond 64 bits": (b"content-length: 99999999999999999999999", 400),
    "two that differ": (b"content-length: 5\r\ncontent-length: 6", 400),
    "too short": (b"content-length: 5", 400),
    "a bad chunk": (b"transfer-encoding: chunked\r\n\r\nzz\r\n", 400),
}


async def test_lies_about_the_length(stack: Stack, within: Callable[..., Any]) -> None:
    """What cannot be is 400; what never comes is given up with the caller, and nothing is asked of a model."""
    for name, (field, expected) in LENGTHS.items():
        assert (await raw(stack, request(b"POST", CHAT.encode(), field, body=encoded(ASK))))[0] == expected, name
    _, writer = await asyncio.open_connection("127.0.0.1", int(stack.url.rsplit(":", 1)[1]))
    writer.write(request(b"POST", CHAT.encode(), b"content-length: 500", body=encoded(ASK)))
    await writer.drain()
    writer.close()

    await within(lambda: any(line["outcome"] == "client_gone" for line in stack.lines()))
    assert stack.asked() == []


async def test_expect(stack: Stack) -> None:
    """100 comes before the reply to a caller who waits for it, and not to one who would be refused anyway."""
    body = encoded(ASK)
    fields = (b"expect: 100-continue", b"content-length: %d" % len(body))

    continued, _, rest = await raw(stack, request(b"POST", CHAT.encode(), *fields, body=body))
    anonymous = request(b"POST", CHAT.encode(), *fields, body=body).replace(SECRET.encode(), b"wrong")
    refused, _, _ = await raw(stack, anonymous)

    assert continued == 100
    assert rest.startswith(b"HTTP/1.1 200 OK\r\n")
    assert refused == 401


async def test_pipelined_requests(stack: Stack) -> None:
    """Several requests in one write are answered in their order, each with its own reply."""
    kept = b"\r\nconnection: keep-alive\r\n"
    body = encoded(ASK)
    chat = request(b"POST", CHAT.encode(), b"content-length: %d" % len(body), body=body)
    first = [request(b"GET", b"/v1/models"), chat, request(b"GET", b"/nowhere")]
    sent = b"".join(one.replace(b"\r\nconnection: close\r\n", kept) for one in first) + request(b"GET", b"/readyz")

    status, _, rest = await raw(stack, sent)

    assert status == 200
    assert rest.index(b'"object":"list"') < rest.index(b"chat.completion") < rest.index(b"unknown_url") < rest.index(b'"ready"')
