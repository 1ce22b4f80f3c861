"""Embeddings through the whole gateway: every vector in its place, bounded, accounted, and never of two models."""

import asyncio
import base64
import json
import struct
import time
from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest

from gateway.embedding import LANES
from gateway.sandbox import faults
from gateway.sandbox.world import World
from gateway.settings import Route, Target, Timeouts
from tests.stack import SECRET, Stack, stack_over

EMBEDDERS = {
    "titan-embed": (1024, 512),
    "titan-embed-g1": (1536, 1536),
    "titan-image-embed": (1024, 384),
    "cohere-embed": (1024, 1024),
    "cohere-embed-v4": (1536, 256),
}
TEXTS = [f"Room {number} on the sixth floor" for number in range(20)]
CLOSED_WITHIN_SECONDS = 0.1  # design 7


def likeness(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("alias", EMBEDDERS)
async def test_every_text_has_its_vector_in_its_place(stack: Stack, alias: str) -> None:
    """However many calls it takes, and in whatever order they end; the same text has the same vector."""
    texts = [*(f"Text number {number}" for number in range(100)), "Text number 3"]
    client = stack.client()

    together = await client.embeddings.create(model=alias, input=texts)
    alone = await client.embeddings.create(model=alias, input=texts[3])

    assert [item.index for item in together.data] == list(range(101))
    assert {len(item.embedding) for item in together.data} == {EMBEDDERS[alias][0]}
    assert together.data[3].embedding == together.data[100].embedding == alone.data[0].embedding
    assert together.data[2].embedding != together.data[3].embedding
    assert together.model == alias
    assert len(stack.asked()) == (3 if alias.startswith("cohere") else 102)


@pytest.mark.parametrize("alias", EMBEDDERS)
async def test_dimensions_are_those_asked_for(stack: Stack, alias: str) -> None:
    """Those that the model has; others are refused with the list, before anything is asked."""
    reply = await stack.client().embeddings.create(model=alias, input="A fox", dimensions=EMBEDDERS[alias][1])
    with pytest.raises(openai.BadRequestError) as refused:
        await stack.client().embeddings.create(model=alias, input="A fox", dimensions=77)

    assert len(reply.data[0].embedding) == EMBEDDERS[alias][1]
    assert refused.value.param == "dimensions"
    assert str(EMBEDDERS[alias][1]) in str(refused.value)
    assert len(stack.asked()) == 1


@pytest.mark.parametrize("alias", EMBEDDERS)
async def test_both_encodings_are_the_same_numbers(http: httpx.AsyncClient, alias: str) -> None:
    """Numbers unless base64 is asked for: little-endian floats of 32 bits."""
    plain, packed = [
        (await http.post("/v1/embeddings", json={"model": alias, "input": "A fox"} | more)).json()
        for more in ({}, {"encoding_format": "base64"})
    ]

    numbers = plain["data"][0]["embedding"]
    assert list(struct.unpack(f"<{len(numbers)}f", base64.b64decode(packed["data"][0]["embedding"]))) == pytest.approx(numbers)
    assert plain | {"data": []} == packed | {"data": []}
    assert set(plain) == {"object", "data", "model", "usage"}


async def test_input_type_and_truncate_reach_cohere(stack: Stack) -> None:
    """By ``extra_body``; ``search_document`` unless told."""
    client = stack.client()
    await client.embeddings.create(model="cohere-embed", input="A fox")
    await client.embeddings.create(
        model="cohere-embed", input="A fox", extra_body={"input_type": "search_query", "truncate": "END"}
    )

    assert [(record.body["input_type"], record.body.get("truncate")) for record in stack.asked()] == [
        ("search_document", None),
        ("search_query", "END"),
    ]


async def test_usage_is_the_sum_of_all_calls(stack: Stack) -> None:
    """In the reply, in the log and in the metrics."""
    reply = await stack.client().embeddings.create(model="titan-embed", input=TEXTS)

    (line,) = stack.lines()
    tokens = sum(record.input_tokens for record in stack.asked())
    assert reply.usage.prompt_tokens == reply.usage.total_tokens == line["input_tokens"] == tokens
    assert line["usage_source"] == "headers"
    assert line.get("output_tokens", 0) == 0
    assert line["outcome"] == "complete"
    assert stack.metric("quarry_tokens_total", model="titan-embed", target="titan-embed", direction="input") == tokens


async def test_headers_are_those_of_a_chat(http: httpx.AsyncClient) -> None:
    """Who answered, in how many attempts, and what had no effect."""
    reply = await http.post("/v1/embeddings", json={"model": "titan-embed", "input": TEXTS, "user": "somebody"})

    assert reply.headers["x-quarry-target"] == "titan-embed"
    assert reply.headers["x-quarry-attempts"] == "1"
    assert reply.headers["x-quarry-ignored-parameters"] == "user"
    assert {"x-request-id", "server-timing"} <= set(reply.headers)


async def test_so_many_calls_at_a_time_and_no_more(stack: Stack, within: Callable[..., Any]) -> None:
    """A long list waits for its own calls, not everybody for the list."""
    stack.plant(faults.SlowFirstToken(seconds=0.2))

    task = asyncio.create_task(stack.client().embeddings.create(model="titan-embed", input=TEXTS))
    await within(lambda: stack.metric("quarry_in_flight_requests", target="titan-embed") == LANES)
    await asyncio.sleep(0.05)
    most = len(stack.asked())
    await task

    assert most == LANES
    assert len(stack.asked()) == len(TEXTS)


async def test_the_first_error_ends_the_others(stack: Stack, within: Callable[..., Any]) -> None:
    """One text is refused while the others wait for their vectors: their sockets are closed, no further call is made."""
    long = "word " * 9_000
    stack.plant(faults.SlowFirstToken(seconds=20))

    with pytest.raises(openai.BadRequestError) as refused:
        await stack.client().embeddings.create(model="titan-embed", input=[*TEXTS[:3], long, *TEXTS[3:]])

    assert refused.value.code == "context_length_exceeded"
    others = [record for record in stack.asked() if record.error is None]
    await within(lambda: all(record.client_closed_at for record in others))
    assert len(stack.asked()) == LANES
    assert stack.metric("quarry_in_flight_requests", target="titan-embed") == 0
    assert stack.lines()[0]["error"] == "context_length"


async def test_a_caller_who_leaves_closes_every_call(stack: Stack, within: Callable[..., Any]) -> None:
    """Within the bound of a chat; what was paid for is accounted."""
    stack.plant(faults.SlowFirstToken(seconds=20))
    async with httpx.AsyncClient(base_url=stack.url, headers={"authorization": f"Bearer {SECRET}"}) as client:
        with pytest.raises(httpx.ReadTimeout):
            body = {"model": "titan-embed", "input": TEXTS}
            await client.post("/v1/embeddings", json=body, timeout=httpx.Timeout(30, read=0.4))
    left_at = time.monotonic()

    await within(lambda: len(stack.asked()) == LANES and all(record.client_closed_at for record in stack.asked()))
    assert all(record.client_closed_at - left_at < CLOSED_WITHIN_SECONDS for record in stack.asked())
    assert (await within(stack.lines))[0]["outcome"] == "client_gone"
    assert stack.metric("quarry_in_flight_requests", target="titan-embed") == 0


async def test_a_cold_answer_is_waited_for(stack: Stack) -> None:
    """As for a chat: the same target again."""
    stack.plant(faults.NotReady(times=1))

    raw = await stack.client().embeddings.with_raw_response.create(model="titan-embed", input="A fox")

    assert raw.headers["x-quarry-attempts"] == "2"
    assert float(raw.headers["x-quarry-cold-start-seconds"]) >= 1


async def test_a_throttled_target_gives_way_to_the_next(world: World) -> None:
    """The same model elsewhere takes the call that failed, and only that."""
    titan = world.shelf.find("amazon.titan-embed-text-v2:0")
    both = [Target(arn=titan.arn, family="titan_embed", name=name, priority=place) for place, name in enumerate("ab")]
    async with stack_over(world, models={"twice": Route(targets=tuple(both))}) as stack:
        stack.plant(faults.Throttle(times=1))
        raw = await stack.client().embeddings.with_raw_response.create(model="twice", input=TEXTS[:4])

    assert raw.headers["x-quarry-attempts"] == "2"
    assert len(raw.parse().data) == 4
    assert len(list(world.log)) == 5


async def fallen_back(world: World, fault: faults.Fault, **more: Any) -> Any:
    """An alias of Titan with one of Cohere to fall back on; a fault, a request of four texts, and who was asked."""
    titan, cohere = world.shelf.find("amazon.titan-embed-text-v2:0"), world.shelf.find("cohere.embed-english-v3")
    routes = {
        "first": Route(targets=(Target(arn=titan.arn, family="titan_embed"),), fallbacks=("second",)),
        "second": Route(targets=(Target(arn=cohere.arn, family="cohere_embed"),)),
    }
    async with stack_over(world, models=routes) as stack:
        stack.plant(fault)
        raw = await stack.client().embeddings.with_raw_response.create(model="first", input=TEXTS[:12], **more)
        return raw, stack.lines()[0]


async def test_a_fallback_makes_all_vectors_or_none(world: World) -> None:
    """One failed call of twelve: none of Titan's vectors is mixed with Cohere's, but what Titan was paid is in the record."""
    titan = world.shelf.find("amazon.titan-embed-text-v2:0").arn
    raw, line = await fallen_back(world, faults.Throttle(match=faults.Match(arn=titan), times=1))

    reply = raw.parse()
    (cohere,) = [record for record in world.log if record.arn != titan]
    assert cohere.body["texts"] == TEXTS[:12]
    assert len(reply.data) == 12
    assert raw.headers["x-quarry-target"] == "second"
    assert raw.headers["x-quarry-attempts"] == "2"
    assert reply.usage.prompt_tokens == cohere.input_tokens <= line["input_tokens"]


async def test_a_fallback_that_cannot_leaves_the_first_error(world: World) -> None:
    """256 dimensions are good for Titan, which is throttled: that is what the caller reads."""
    with pytest.raises(openai.RateLimitError):
        await fallen_back(world, faults.Throttle(), dimensions=256)


async def test_the_deadline_ends_all_calls(world: World) -> None:
    """The route's total is the whole list's."""
    titan = world.shelf.find("amazon.titan-embed-text-v2:0")
    route = Route(targets=(Target(arn=titan.arn, family="titan_embed"),), timeouts=Timeouts(total_seconds=0.3))
    async with stack_over(world, models={"hasty": route}) as stack:
        stack.plant(faults.SlowFirstToken(seconds=20))
        with pytest.raises(openai.InternalServerError) as ended:
            await stack.client().embeddings.create(model="hasty", input=TEXTS)

    assert ended.value.status_code == 504
    assert ended.value.code == "deadline_exceeded"


async def test_a_text_that_is_too_long(stack: Stack) -> None:
    """There is no prompt here and no answer: the text does not fit."""
    stack.plant(faults.Error(name="ValidationException", message="Too many input tokens. Max input tokens: 8192"))
    with pytest.raises(openai.BadRequestError, match="The text does not fit the model's context") as refused:
        await stack.client().embeddings.create(model="titan-embed", input="long")

    assert (refused.value.code, refused.value.param) == ("context_length_exceeded", "input")


CHATS: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}]}),
    "streamed": ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}], "stream": True}),
    "completion": ("/v1/completions", {"prompt": "Hi"}),
    "response": ("/v1/responses", {"input": "Hi"}),
}


@pytest.mark.parametrize(("path", "fields"), CHATS.values(), ids=CHATS)
async def test_an_embedder_is_no_chat(http: httpx.AsyncClient, stack: Stack, path: str, fields: dict[str, Any]) -> None:
    """A 400 that names the endpoint to ask, and nothing is asked of Bedrock."""
    reply = await http.post(path, json={"model": "titan-embed"} | fields)

    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "model"
    assert "/v1/embeddings" in reply.json()["error"]["message"]
    assert stack.asked() == []


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
async def test_an_embedder_answers_no_messages(http: httpx.AsyncClient, stack: Stack, path: str) -> None:
    """The same, as Anthropic says it."""
    body = {"model": "titan-embed", "messages": [{"role": "user", "content": "Hi"}]}
    reply = await http.post(path, json=body | ({} if path.endswith("tokens") else {"max_tokens": 9}))

    assert reply.status_code == 400
    assert reply.json()["error"]["type"] == "invalid_request_error"
    assert "/v1/embeddings" in reply.json()["error"]["message"]
    assert stack.asked() == []


async def test_an_embedder_does_not_converse(http: httpx.AsyncClient, stack: Stack) -> None:
    """The same, as AWS says it."""
    reply = await http.post(
        "/bedrock/model/titan-embed/converse", json={"messages": [{"role": "user", "content": [{"text": "x"}]}]}
    )

    assert reply.status_code == 400
    assert reply.headers["x-amzn-errortype"] == "ValidationException"
    assert "/v1/embeddings" in reply.json()["message"]
    assert stack.asked() == []


@pytest.mark.parametrize("alias", ["titan-support", "haiku-converse", "gpt-oss-import"])
async def test_a_chat_is_no_embedder(http: httpx.AsyncClient, stack: Stack, alias: str) -> None:
    """And the other way round."""
    reply = await http.post("/v1/embeddings", json={"model": alias, "input": "Hi"})

    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "model"
    assert "/v1/chat/completions" in reply.json()["error"]["message"]
    assert stack.asked() == []


@pytest.mark.parametrize("alias", ["titan-embed", "cohere-embed"])
async def test_a_native_body_passes(http: httpx.AsyncClient, stack: Stack, alias: str) -> None:
    """Untouched both ways, and its tokens counted; a vector's length is no output."""
    bodies: dict[str, Any] = {
        "titan-embed": {"inputText": "A fox", "embeddingTypes": ["binary"]},
        "cohere-embed": {"texts": ["A fox"], "input_type": "clustering", "embedding_types": ["int8", "float"]},
    }
    reply = await http.post(f"/bedrock/model/{alias}/invoke", content=json.dumps(bodies[alias]))

    (line,), (record,) = stack.lines(), stack.asked()
    assert reply.status_code == 200
    assert record.body == bodies[alias]
    assert line["input_tokens"] == record.input_tokens
    assert line.get("output_tokens", 0) == 0
