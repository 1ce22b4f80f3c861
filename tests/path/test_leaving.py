"""The caller leaves: the upstream's socket is closed within 100 ms, and what was generated is still accounted."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gateway.sandbox import faults
from tests.stack import SECRET, Stack

CLOSED_WITHIN_SECONDS = 0.1  # design 7


def ask(alias: str, **more: object) -> dict[str, Any]:
    return {"model": alias, "messages": [{"role": "user", "content": "Tell me about the harbour."}], "max_tokens": 60, **more}


async def leave(stack: Stack, body: dict[str, Any], *, after_bytes: int, after_seconds: float = 0.0) -> float:
    """Ask, read some of the reply, close the socket; when that was, on the monotonic clock all processes share."""
    async with httpx.AsyncClient(base_url=stack.url, headers={"authorization": f"Bearer {SECRET}"}, timeout=30) as client:
        if not after_bytes:
            with pytest.raises(httpx.ReadTimeout):
                await client.post("/v1/chat/completions", json=body, timeout=httpx.Timeout(30, read=after_seconds))
            return time.monotonic()
        async with client.stream("POST", "/v1/chat/completions", json=body) as reply:
            seen = 0
            async for piece in reply.aiter_raw():
                seen += len(piece)
                if seen >= after_bytes:
                    break
        return time.monotonic()


@pytest.mark.parametrize("alias", ["haiku-support", "llama3-support", "gpt-oss-import"])
async def test_leaving_a_stream_closes_the_upstream(stack: Stack, within: Callable[..., Any], alias: str) -> None:
    """Half way through a paced stream: closed in time, counted as gone, the tokens so far in the record (C1, trap 39)."""
    stack.world.pace = 20

    left_at = await leave(stack, ask(alias, stream=True), after_bytes=600)

    record = await within(lambda: (found := stack.asked()[0]).client_closed_at and found)
    assert record.client_closed_at - left_at < CLOSED_WITHIN_SECONDS
    assert not record.completed
    line = (await within(stack.lines))[0]
    assert line["outcome"] == "client_gone"
    assert line["input_tokens"] > 0
    assert line["output_tokens"] > 0
    assert stack.metric("quarry_requests_total", model=alias, target=alias, outcome="client_gone") == 1
    assert stack.metric("quarry_in_flight_requests", target=alias) == 0


async def test_leaving_several_choices_closes_them_all(stack: Stack, within: Callable[..., Any]) -> None:
    """Three choices are three upstream calls: none goes on for a caller who has gone."""
    stack.world.pace = 20

    left_at = await leave(stack, ask("haiku-support", stream=True, n=3), after_bytes=900)

    await within(lambda: all(record.client_closed_at for record in stack.asked()))
    assert len(stack.asked()) == 3
    assert all(record.client_closed_at - left_at < CLOSED_WITHIN_SECONDS for record in stack.asked())
    assert (await within(stack.lines))[0]["outcome"] == "client_gone"
    assert stack.metric("quarry_in_flight_requests", target="haiku-support") == 0


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_leaving_before_the_first_byte_closes_the_upstream(stack: Stack, within: Callable[..., Any], stream: bool) -> None:
    """The model has not spoken yet: the wait for it ends with the caller's (C2, C3)."""
    stack.plant(faults.SlowFirstToken(seconds=20))

    left_at = await leave(stack, ask("haiku-support", stream=stream), after_bytes=0, after_seconds=0.3)

    record = await within(lambda: (found := stack.asked()[0]).client_closed_at and found)
    assert record.client_closed_at - left_at < CLOSED_WITHIN_SECONDS
    assert (await within(stack.lines))[0]["outcome"] == "client_gone"


async def test_leaving_while_held_for_a_cold_model_ends_the_wait(stack: Stack, within: Callable[..., Any]) -> None:
    """Nobody goes on waking a model for a caller who has gone."""
    stack.plant(faults.NotReady())

    await leave(stack, ask("qwen-import"), after_bytes=0, after_seconds=0.3)

    assert (await within(stack.lines))[0]["outcome"] == "client_gone"
    asked = len(stack.asked())
    await asyncio.sleep(2.5)  # longer than the waits between the first looks
    assert len(stack.asked()) == asked


async def test_leaving_with_the_last_byte_of_the_request(stack: Stack, within: Callable[..., Any]) -> None:
    """A caller who asks and hangs up in one breath is not worked for."""
    stack.world.pace = 5
    payload = json.dumps(ask("haiku-support")).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\nContent-Length: {len(payload)}\r\n\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", int(stack.url.rsplit(":", 1)[1]))

    writer.write(head.encode() + payload)
    writer.close()

    assert (await within(stack.lines))[0]["outcome"] == "client_gone"
    await within(lambda: all(record.client_closed_at for record in stack.asked()))


async def test_many_leave_at_once_and_nothing_is_left_behind(stack: Stack, within: Callable[..., Any]) -> None:
    """Fifty callers leave at different moments: fifty sockets closed, fifty records, nothing in flight."""
    stack.world.pace = 30

    await asyncio.gather(
        *(leave(stack, ask("haiku-support", stream=True), after_bytes=200 * (1 + place % 5)) for place in range(50))
    )

    await within(lambda: all(record.client_closed_at or record.completed for record in stack.asked()))
    lines = await within(lambda: len(stack.lines()) == 50 and stack.lines())
    assert {line["outcome"] for line in lines} <= {"client_gone", "complete"}
    assert stack.metric("quarry_in_flight_requests", target="haiku-support") == 0


async def test_a_slow_reader_slows_the_upstream(stack: Stack, within: Callable[..., Any]) -> None:
    """A caller who does not read costs bounded memory: the gateway stops reading the model (C5)."""
    stack.plant(faults.Drip(body_bytes=64))
    reader, writer = await asyncio.open_connection("127.0.0.1", int(stack.url.rsplit(":", 1)[1]), limit=1024)
    payload = b'{"model":"haiku-support","stream":true,"messages":[{"role":"user","content":"hi"}]}'
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\nContent-Length: {len(payload)}\r\n\r\n"
    writer.write(head.encode() + payload)
    await reader.readline()
    await asyncio.sleep(0.3)

    text = b""
    while b"[DONE]" not in text:
        text += await asyncio.wait_for(reader.read(512), 10)
    writer.close()

    assert (await within(stack.lines))[0]["outcome"] == "complete"
