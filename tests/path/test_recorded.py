"""Golden replies in content blocks, served byte for byte, through the whole gateway: what no sandbox says by itself."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from gateway.bedrock.frames import encode
from gateway.sandbox.world import World
from gateway.settings import Aws
from tests.gateway.bedrock.upstream import Visit, chunk, serve, whole
from tests.stack import Stack, stack_over

GOLDEN = Path(__file__).parents[1] / "golden"
ALIASES = {"nova": "nova-lite-support", "converse": "haiku-converse"}
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ntransfer-encoding: chunked\r\n"
    b"x-amzn-requestid: r-1\r\n\r\n"
)
HI = [{"role": "user", "content": "Hi"}]
EVENT = {":content-type": "application/json", ":message-type": "event"}


def nova_frame(native: bytes) -> bytes:
    """A chunk as InvokeModelWithResponseStream wraps it."""
    return encode({":event-type": "chunk", **EVENT}, b'{"bytes":"%b"}' % b64encode(native))


def converse_frame(native: bytes) -> bytes:
    """A typed event, from the form in which the golden files hold it."""
    ((name, payload),) = json.loads(native).items()
    return encode({":event-type": name, **EVENT}, json.dumps(payload).encode())


FRAMES: dict[str, Callable[[bytes], bytes]] = {"nova": nova_frame, "converse": converse_frame}


@asynccontextmanager
async def speaking(family: str, name: str) -> AsyncIterator[Stack]:
    """A gateway whose upstream answers with one golden reply, whole or as a stream, as it is asked."""

    async def answer(visit: Visit) -> None:
        if "stream" not in visit.target:
            await visit.send(whole((GOLDEN / family / f"{name}.reply.json").read_bytes()))
            return
        chunks = (GOLDEN / family / f"{name}.chunks.jsonl").read_bytes().splitlines()
        frames = b"".join(map(FRAMES[family], chunks))
        await visit.send(STREAM_HEAD + chunk(frames) + b"0\r\n\r\n")

    world = World()
    async with serve(answer) as upstream:
        urls = {"bedrock-runtime": f"http://127.0.0.1:{upstream.port}"}
        async with stack_over(world, aws=Aws(region=world.region, endpoint_urls=urls)) as stack:
            yield stack


async def completed(stack: Stack, family: str, *, stream: bool, **asked: Any) -> Any:
    """The choice and the usage, however they came."""
    client = stack.client()
    if not stream:
        reply = await client.chat.completions.create(model=ALIASES[family], messages=HI, **asked)
        return reply.choices[0], reply.usage
    async with client.chat.completions.stream(
        model=ALIASES[family], messages=HI, stream_options={"include_usage": True}, **asked
    ) as events:
        async for _ in events:
            pass
        snapshot = events.current_completion_snapshot
        return snapshot.choices[0], snapshot.usage


ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@ways
async def test_parallel_calls(stream: bool) -> None:
    """Three calls whose blocks have the indexes 2, 3 and 4 are the calls 0, 1 and 2, the last without arguments."""
    async with speaking("nova", "tools") as stack:
        choice, usage = await completed(stack, "nova", stream=stream)

    assert choice.finish_reason == "tool_calls"
    assert [(call.function.name, json.loads(call.function.arguments)) for call in choice.message.tool_calls] == [
        ("get_weather", {"city": "Porto", "days": 2.0}),
        ("get_weather", {"city": "Faro"}),
        ("get_time", {}),
    ]
    assert len({call.id for call in choice.message.tool_calls}) == 3
    assert (usage.prompt_tokens, usage.completion_tokens) == (415, 202)


@ways
@pytest.mark.parametrize("family", ALIASES)
async def test_one_call_at_a_time(family: str, stream: bool) -> None:
    """A caller that wants no parallel calls sees the first, whole, and nothing of the others."""
    tools = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("get_weather", "get_time")]
    async with speaking(family, "tools") as stack:
        choice, _ = await completed(stack, family, stream=stream, tools=tools, parallel_tool_calls=False)

    (call,) = choice.message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)["city"]) == ("get_weather", "Porto")
    assert choice.finish_reason == "tool_calls"


@ways
async def test_thoughts(stream: bool) -> None:
    """Thoughts come beside the answer, sealed ones as what a later request sends back."""
    async with speaking("converse", "thinking") as stack:
        choice, _ = await completed(stack, "converse", stream=stream)

    assert choice.message.content == "The tide."
    assert choice.message.reasoning_content == "A riddle, then."


@ways
async def test_cached_tokens(stream: bool) -> None:
    """What was read from the cache, or written to it, is part of the prompt's count, and told apart."""
    for family in ALIASES:
        async with speaking(family, "cached") as stack:
            _, usage = await completed(stack, family, stream=stream)

        assert (usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens) == (18235, 100)


@ways
async def test_a_guardrail(stream: bool) -> None:
    """An intervention is ``content_filter``, with the words that the guardrail gave."""
    async with speaking("nova", "guardrail") as stack:
        choice, _ = await completed(stack, "nova", stream=stream)

    assert (choice.finish_reason, choice.message.content) == ("content_filter", "I cannot talk about that.")


@ways
async def test_a_failed_generation(stream: bool) -> None:
    """What the model could not write is an error, never an answer; as one read it has its true status, streamed too."""
    async with speaking("converse", "malformed") as stack:
        with pytest.raises(openai.APIError):
            await completed(stack, "converse", stream=stream)
        (line,) = stack.lines()

    assert line["status"] == 502
