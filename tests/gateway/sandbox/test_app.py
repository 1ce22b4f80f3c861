"""The sandbox over real sockets: routes, authentication by bearer key, pace, and callers who leave."""

import asyncio
import json
import time
from urllib.parse import quote

import pytest

from gateway.sandbox.serve import running
from gateway.sandbox.signature import Credentials
from gateway.sandbox.world import World

COUNT = {"prompt": "[INST] Count to 400 [/INST]", "max_gen_len": 2000}


async def test_unencoded_slash_gets_the_coral_reply(wire, llama):
    """An ARN that is not one path label is no operation: HTTP 200 that says so."""
    status, _, body = await wire.ask("POST", f"/model/{quote(llama, safe='/:')}/invoke", COUNT)

    assert status == 200
    assert body == {"Output": {"__type": "com.amazon.coral.service#UnknownOperationException"}, "Version": "1.0"}


async def test_colon_may_stay_unencoded(wire, llama):
    """Some SDKs encode the slash of an ARN and not its colons."""
    status, _, body = await wire.ask("POST", f"/model/{quote(llama, safe=':')}/invoke", COUNT)

    assert status == 200
    assert body["generation"].startswith(" 1, 2, 3,")


async def test_errors_have_the_header_form_of_aws(wire, llama):
    """The error's name comes before a colon and a namespace; every reply has a request id."""
    status, headers, body = await wire.ask("POST", wire.invoke_path(llama), {"prompt": ""})

    assert status == 400
    assert headers["x-amzn-errortype"] == "validationexception:http://internal.amazon.com/coral/com.amazon.bedrock/"
    assert len(headers["x-amzn-requestid"]) == 36
    assert list(body) == ["message"]


async def test_count_tokens_is_refused(wire, llama):
    """AWS counts tokens for a few base models only, never for a custom one."""
    status, _, body = await wire.ask("POST", wire.invoke_path(llama, "count-tokens"), {"input": {}})

    assert status == 400
    assert "counting tokens" in body["message"]


@pytest.mark.parametrize(("key", "status"), [("right", 200), ("wrong", 403), ("", 403)])
async def test_configured_bearer_key_is_the_only_one(key, status):
    """With a bearer key of its own the sandbox takes no other."""
    async with running(World(credentials=Credentials(bearer="right"))) as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        request = f"GET /imported-models HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n"
        writer.write(request.encode())
        reply = await reader.read()
        writer.close()

    assert int(reply.split(b" ")[1]) == status


async def test_requests_are_logged_newest_last(wire, world, llama):
    """What was asked can be read back: operation, ARN, decoded body, status, counts."""
    await wire.ask("POST", wire.invoke_path(llama), {"prompt": "Count to 3"})
    await wire.ask("POST", wire.invoke_path(llama), {"prompt": 7})
    answered, refused = (await wire.own("GET", "requests"))["requests"]

    assert (answered["operation"], answered["arn"], answered["status"]) == ("InvokeModel", llama, 200)
    assert answered["body"] == {"prompt": "Count to 3"}
    assert answered["completed"]
    assert answered["output_tokens"] == 6
    assert (refused["status"], refused["error"], refused["completed"]) == (400, "ValidationException", False)


async def test_pace_spreads_a_stream_over_time(llama):
    """At 200 tokens a second a hundred tokens cannot come in less than half a second, and the first comes before the last."""
    async with running(World(pace=200)) as url:
        moments = await _moments(url, llama)

    assert moments[-1] - moments[0] > 0.3
    assert len(moments) > 10


async def _moments(url, arn):
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = json.dumps({"prompt": "Write 100 words about sand", "max_gen_len": 100}).encode()
    path = f"/model/{quote(arn, safe='')}/invoke-with-response-stream"
    head = (
        f"POST {path} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer k\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    moments = []
    while await reader.read(65536):
        moments.append(time.monotonic())
    writer.close()
    return moments


async def test_caller_who_leaves_is_noticed_and_no_more_is_made(llama, until):
    """Closing in mid-stream stops the generation and leaves the moment in the log, on the machine's monotonic clock."""
    world = World(pace=50)
    async with running(world) as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        body = json.dumps(COUNT).encode()
        path = f"/model/{quote(llama, safe='')}/invoke-with-response-stream"
        head = f"POST {path} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer k\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await reader.readuntil(b"\r\n\r\n")
        await reader.read(1)
        left_at = time.monotonic()
        writer.close()
        record = next(iter(world.log))
        await until(lambda: record.ended_at is not None)

    assert left_at - 0.001 <= record.client_closed_at <= left_at + 1
    assert 1 <= record.output_tokens < 800
    assert not record.completed
    assert record.client_closed_after_seconds == pytest.approx(record.client_closed_at - record.received_at)


async def test_replies_do_not_wait_for_acknowledgements(wire, llama):
    """Fifty replies on one connection take nothing like fifty times the 40 ms of a delayed acknowledgement."""
    body = json.dumps({"prompt": "hi"}).encode()
    head = f"POST {wire.invoke_path(llama)} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer k\r\ncontent-length: {len(body)}\r\n\r\n"
    reader, writer = await asyncio.open_connection(wire.address.hostname, wire.address.port)
    began = time.monotonic()
    for _ in range(50):
        writer.write(head.encode() + body)
        fields = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = next(line for line in fields.split(b"\r\n") if line.startswith(b"content-length"))
        await reader.readexactly(int(length.split(b":")[1]))
    waited = time.monotonic() - began
    writer.close()

    assert waited < 1.8


async def test_schema_that_is_none_is_refused(wire, world):
    """A tool whose parameters are no JSON Schema is the caller's mistake, not a crash."""
    tool = {"name": "f", "input_schema": {"type": "object", "required": "city"}}
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 9,
        "tools": [tool],
        "messages": [{"role": "user", "content": "x"}],
    }
    status, _, told = await wire.ask("POST", wire.invoke_path(world.shelf.find("haiku-support").arn), body)

    assert status == 400
    assert "tool f is invalid: #/required: expected type: JSONArray" in told["message"]


async def test_prompt_beyond_the_window_is_refused(wire, world, llama):
    """What the model cannot read is refused in words that clients look for."""
    long = "word " * 5000
    status, _, told = await wire.ask("POST", wire.invoke_path(llama), {"prompt": long})
    near = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": "word " * 198_000}],
    }
    claude, _, words = await wire.ask("POST", wire.invoke_path(world.shelf.find("haiku-support").arn), near)

    assert (status, told["message"]) == (400, "Input is too long for requested model.")
    assert claude == 400
    assert "input length and `max_tokens` exceed context limit" in words["message"]
