"""A message through the whole path, as the official client sees it: every family, whole and streamed."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import httpx
import pytest
from anthropic.types import Message, RawMessageStreamEvent
from pydantic import BaseModel, TypeAdapter

from gateway.sandbox import faults
from gateway.sandbox.world import World
from gateway.settings import ColdStart, Route, Target
from tests.path.test_chat import png
from tests.stack import LIMITED_SECRET, SECRET, Stack, stack_over

ALIASES = [
    "titan-support",
    "command-light-support",
    "llama2-support",
    "llama3-support",
    "haiku-support",
    "sonnet-4-5",
    "nova-lite-support",
    "haiku-converse",
    "mistral-import",
    "mistral-large",
    "command-r",
    "gpt-oss-import",
]
WITH_TOOLS = [
    "llama3-support",
    "haiku-support",
    "nova-lite-support",
    "haiku-converse",
    "mistral-large",
    "command-r",
    "gpt-oss-import",
]
HARBOUR: dict[str, Any] = {
    "system": "You help the guests of a hotel.",
    "messages": [{"role": "user", "content": "Tell me about the harbour."}],
    "max_tokens": 60,
}
WEATHER: dict[str, Any] = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
LISBON = {"role": "user", "content": "What is the weather in Lisbon?"}
PNG = png().partition(",")[2]
EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)

ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


class Guest(BaseModel):
    """What the SDK turns into a schema."""

    name: str
    room: int


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """The official client, which repeats nothing by itself."""
    async with anthropic.AsyncAnthropic(base_url=stack.url, api_key=SECRET, max_retries=0) as client:
        yield client


async def answered(client: anthropic.AsyncAnthropic, *, stream: bool, **asked: Any) -> Message:
    """The whole message, however it came."""
    if not stream:
        return await client.messages.create(**asked)
    async with client.messages.stream(**asked) as events:
        return await events.get_final_message()


def plain(message: Message) -> dict[str, Any]:
    """A message without its id, and without what only the SDK's parser adds."""
    told = message.model_dump(exclude_none=True)
    for block in told["content"]:
        block.pop("parsed_output", None)
    return told | {"id": None}


async def events_of(http: httpx.AsyncClient, **asked: Any) -> list[dict[str, Any]]:
    """The events of a stream, each under its own name and valid by the SDK's own types."""
    reply = await http.post("/v1/messages", json=asked | {"stream": True})
    assert reply.headers["content-type"].startswith("text/event-stream")
    events = []
    for event in reply.text.removesuffix("\n\n").split("\n\n"):
        name, data = event.split("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
        EVENT.validate_python(events[-1])
    return events


def in_order(events: list[dict[str, Any]]) -> bool:
    """Start, blocks one after the other under an index of their own, then the reason and the end."""
    kinds = [event["type"] for event in events]
    blocks = [event for event in events[1:-2] if event["type"] != "ping"]
    expected, index = True, -1
    for event in blocks:
        index += event["type"] == "content_block_start"
        expected = expected and event["index"] == index
    stops = sum(event["type"] == "content_block_stop" for event in blocks)
    return expected and stops == index + 1 and [kinds[0], *kinds[-2:]] == ["message_start", "message_delta", "message_stop"]


@pytest.mark.parametrize("alias", ALIASES)
async def test_a_whole_message(stack: Stack, client: anthropic.AsyncAnthropic, alias: str) -> None:
    """Every family answers with text, a reason, and the upstream's own counts."""
    message = await client.messages.create(model=alias, **HARBOUR)

    (record,) = stack.asked()
    (block,) = message.content
    assert block.type == "text"
    assert block.text
    assert (message.type, message.role, message.model, message.stop_reason) == ("message", "assistant", alias, "end_turn")
    assert (message.usage.input_tokens, message.usage.output_tokens) == (record.input_tokens, record.output_tokens)
    assert message.id == f"msg_{message._request_id}"
    assert "You help the guests of a hotel." in str(record.body)


@pytest.mark.parametrize("alias", ALIASES)
async def test_a_stream_says_what_the_whole_message_says(client: anthropic.AsyncAnthropic, alias: str) -> None:
    """What the SDK puts together from events is the same message: same blocks, reason and usage."""
    whole = await answered(client, stream=False, model=alias, **HARBOUR)
    streamed = await answered(client, stream=True, model=alias, **HARBOUR)

    assert plain(streamed) == plain(whole)


@pytest.mark.parametrize("alias", ALIASES)
async def test_the_order_of_events(http: httpx.AsyncClient, alias: str) -> None:
    """Anthropic's order, every event of the SDK's shape; the prompt's tokens are told at once, never as nothing (trap 42)."""
    events = await events_of(http, model=alias, **HARBOUR)

    opened = events[0]["message"]
    assert in_order(events)
    assert (opened["content"], opened["stop_reason"], opened["model"]) == ([], None, alias)
    assert opened["usage"]["input_tokens"] > 0
    assert events[-2]["usage"]["input_tokens"] > 0
    assert events[-2]["delta"]["stop_reason"] == "end_turn"


@ways
@pytest.mark.parametrize("alias", WITH_TOOLS)
async def test_a_call_and_its_result(stack: Stack, client: anthropic.AsyncAnthropic, alias: str, stream: bool) -> None:
    """The model calls, the caller answers with the blocks as they came, the model goes on."""
    asked: dict[str, Any] = {"model": alias, "tools": [WEATHER], "max_tokens": 200}
    message = await answered(client, stream=stream, messages=[LISBON], **asked)
    (call,) = [block for block in message.content if block.type == "tool_use"]
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "18 degrees and sunny"}
    turns: list[Any] = [LISBON, {"role": "assistant", "content": message.content}, {"role": "user", "content": [result]}]

    final = await answered(client, stream=stream, messages=turns, **asked)

    assert message.stop_reason == "tool_use"
    assert (call.name, call.input) == ("get_weather", {"city": "Lisbon"})
    assert final.stop_reason == "end_turn"
    assert "18 degrees and sunny" in str(stack.asked()[-1].body)


@ways
async def test_calls_in_parallel(stack: Stack, client: anthropic.AsyncAnthropic, stream: bool) -> None:
    """Two calls are two blocks; their results come back in one turn, one of them an error with an image."""
    question = {"role": "user", "content": "What is the weather in Lisbon and the weather in Porto?"}
    asked: dict[str, Any] = {"model": "haiku-support", "max_tokens": 300}
    tools = [WEATHER, WEATHER | {"name": "get_tide", "description": "The tide in a city."}]
    calls = [{"type": "tool_use", "id": f"toolu_{number}", "name": "get_weather", "input": {"city": "x"}} for number in (1, 2)]
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    results = [
        {"type": "tool_result", "tool_use_id": "toolu_2", "is_error": True, "content": [{"type": "text", "text": "no"}, picture]},
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": "18 degrees"},
        {"type": "text", "text": "Go on."},
    ]
    turns: list[Any] = [question, {"role": "assistant", "content": calls}, {"role": "user", "content": results}]

    message = await answered(client, stream=stream, messages=turns, tools=tools, **asked)

    (record,) = stack.asked()
    assert message.content
    assert [turn["role"] for turn in record.body["messages"]] == ["user", "assistant", "user"]
    assert record.body["messages"][1]["content"] == calls
    assert [block["type"] for block in record.body["messages"][2]["content"]] == ["tool_result", "tool_result", "text"]
    assert record.body["messages"][2]["content"][0] == results[0]


@ways
@pytest.mark.parametrize("alias", ["sonnet-3-7", "sonnet-4-5"])
async def test_thoughts_there_and_back(stack: Stack, client: anthropic.AsyncAnthropic, alias: str, stream: bool) -> None:
    """A signed thought comes before the call, and goes back byte for byte with its result."""
    asked: dict[str, Any] = {
        "model": alias,
        "tools": [WEATHER],
        "max_tokens": 2000,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }
    message = await answered(client, stream=stream, messages=[LISBON], **asked)
    thought, *_, call = message.content
    assert (thought.type, call.type) == ("thinking", "tool_use")
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "18 degrees"}
    turns: list[Any] = [LISBON, {"role": "assistant", "content": message.content}, {"role": "user", "content": [result]}]

    await answered(client, stream=stream, messages=turns, **asked)

    sent = stack.asked()[-1].body["messages"][1]["content"][0]
    assert thought.signature
    assert sent == {"type": "thinking", "thinking": thought.thinking, "signature": thought.signature}
    assert stack.asked()[-1].body["thinking"] == {"type": "enabled", "budget_tokens": 1024}


@ways
async def test_thoughts_that_are_not_to_be_shown(client: anthropic.AsyncAnthropic, stream: bool) -> None:
    """``display: omitted`` leaves the seal, which a later turn needs, and nothing of the thought."""
    thinking: Any = {"type": "enabled", "budget_tokens": 1024, "display": "omitted"}
    message = await answered(client, stream=stream, **HARBOUR | {"model": "sonnet-4-5", "max_tokens": 2000, "thinking": thinking})

    thought = message.content[0]
    assert thought.type == "thinking"
    assert thought.thinking == ""
    assert thought.signature


async def test_an_effort_in_place_of_a_budget(stack: Stack, client: anthropic.AsyncAnthropic) -> None:
    """Adaptive thinking is an effort: Anthropic's default is high, four fifths of what the answer may take."""
    ask = HARBOUR | {"model": "sonnet-4-5", "max_tokens": 4000}
    await client.messages.create(**ask, thinking={"type": "adaptive"})
    await client.messages.create(**ask, thinking={"type": "adaptive"}, output_config={"effort": "low"})
    await client.messages.create(**ask, thinking={"type": "disabled"})

    assert [record.body.get("thinking", {}).get("budget_tokens") for record in stack.asked()] == [3200, 1024, None]


@ways
async def test_a_thought_without_a_seal(client: anthropic.AsyncAnthropic, stream: bool) -> None:
    """A model that only thinks aloud shows its thoughts; their signature is empty, and they may be sent back all the same."""
    ask: dict[str, Any] = {"model": "qwen-import", "max_tokens": 200}
    question = {"role": "user", "content": "Tell me about the harbour. /think"}
    message = await answered(client, stream=stream, messages=[question], **ask)
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.content[0].signature == ""
    turns: list[Any] = [question, {"role": "assistant", "content": message.content}, {"role": "user", "content": "And now?"}]

    final = await answered(client, stream=stream, messages=turns, **ask)

    assert final.content


# Who names the sequence that was met: the model, the gateway in its stead, or nobody, where the native reply only says stop.
NAMED = {
    "haiku-support": True,
    "nova-lite-support": True,
    "haiku-converse": True,
    "llama3-support": True,
    "gpt-oss-import": False,
}


@ways
@pytest.mark.parametrize("alias", NAMED)
async def test_a_stop_sequence(client: anthropic.AsyncAnthropic, alias: str, stream: bool) -> None:
    """Its text is not part of the answer; where it can be known which one was met, it is told."""
    message = await answered(client, stream=stream, model=alias, **HARBOUR, stop_sequences=["harbour"])

    told = (message.stop_reason, message.stop_sequence)
    assert "harbour" not in message.content[0].text
    assert told == (("stop_sequence", "harbour") if NAMED[alias] else ("end_turn", None))


@ways
async def test_a_bounded_answer(client: anthropic.AsyncAnthropic, stream: bool) -> None:
    """An answer that had to stop says so."""
    message = await answered(client, stream=stream, model="haiku-support", **HARBOUR | {"max_tokens": 5})

    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 5)


async def test_an_answer_held_to_a_schema(client: anthropic.AsyncAnthropic) -> None:
    """The SDK parses its own class out of the text, where the schema is enforced and where it is asked for by a hidden tool."""
    for alias in ("sonnet-4-5", "haiku-support", "nova-lite-support", "gpt-oss-import"):
        question: Any = [{"role": "user", "content": "The guest Ann Lee sleeps in room 614. Who sleeps there?"}]
        parsed = await client.messages.parse(model=alias, max_tokens=200, messages=question, output_format=Guest)

        assert parsed.parsed_output is not None
        assert parsed.parsed_output.room == 614
        assert parsed.stop_reason == "end_turn"


async def test_images_and_documents(stack: Stack, client: anthropic.AsyncAnthropic) -> None:
    """They reach the model as they were sent, with their titles and their cache points."""
    blocks: list[Any] = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "A quay."}, "title": "Harbour"},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "A pier."}]}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}},
        {"type": "text", "text": "What are these?", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
    ]
    system: Any = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]

    await client.messages.create(
        model="haiku-support", max_tokens=50, system=system, messages=[{"role": "user", "content": blocks}]
    )

    (record,) = stack.asked()
    sent = record.body["messages"][0]["content"]
    assert sent[0] == blocks[0]
    assert sent[1] == blocks[1]
    assert sent[2]["source"] == {"type": "text", "media_type": "text/plain", "data": "A pier."}
    assert sent[3] == blocks[3]
    assert sent[4] == blocks[4]
    assert record.body["system"] == system


async def test_what_is_accepted_and_does_nothing(client: anthropic.AsyncAnthropic) -> None:
    """It is named in a header, in Anthropic's words."""
    reply = await client.messages.with_raw_response.create(
        model="titan-support",
        **HARBOUR,
        metadata={"user_id": "u"},
        service_tier="auto",
        cache_control={"type": "ephemeral"},
        extra_headers={"anthropic-beta": "something-2026-01-01"},
    )

    ignored = set(reply.headers["x-quarry-ignored-parameters"].split(", "))
    assert ignored == {"metadata.user_id", "service_tier", "cache_control", "anthropic-beta"}
    assert reply.headers["request-id"] == reply.headers["x-request-id"]


@pytest.mark.parametrize("alias", ["haiku-support", "titan-support"])
async def test_a_count(stack: Stack, client: anthropic.AsyncAnthropic, alias: str) -> None:
    """Without a tokenizer of the model's it is an estimate, says so, and asks nobody."""
    ask = {name: HARBOUR[name] for name in ("system", "messages")}
    reply = await client.messages.with_raw_response.count_tokens(model=alias, **ask)
    longer = await client.messages.count_tokens(model=alias, system="x" * 400, messages=ask["messages"])

    assert 0 < (await reply.parse()).input_tokens < longer.input_tokens
    assert reply.headers["x-quarry-count"] == "estimate"
    assert stack.asked() == []


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown field": ({"extra_body": {"foo": 1}}, 'Unrecognized request argument "foo"'),
    "no room": ({"max_tokens": 0}, "max_tokens is 0; it must be at least 1"),
    "hot": ({"extra_body": {"temperature": 1.5}}, "temperature is 1.5; it must be at most 1"),
    "server tool": (
        {"tools": [{"name": "web_search", "max_uses": 2, "type": "web_search_20250305"}]},
        'tools[0].type "web_search_20250305" is not supported',
    ),
    "url": (
        {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "http://x"}}]}]},
        'messages[0].content[0].source of type "url" is not supported: Quarry fetches nothing',
    ),
    "no such block": (
        {"messages": [{"role": "user", "content": [{"type": "search_result", "source": "x"}]}]},
        "search results are not supported",
    ),
    "no such role": ({"messages": [{"role": "bot", "content": "x"}]}, 'roles are user, assistant and system, not "bot"'),
    "call of nobody": (
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1"}]}]},
        "messages[0].content[0].tool_use_id answers no open tool call",
    ),
    "thinking family": (
        {"model": "titan-support", "thinking": {"type": "enabled", "budget_tokens": 2000}},
        "thinking.budget_tokens is",
    ),
    "stops": ({"model": "titan-support", "stop_sequences": [""]}, "stop_sequences[0] must not be empty"),
    "effort": ({"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}}, "thinking is disabled"),
    "container": ({"extra_body": {"container": "c"}}, "container is not supported: Quarry runs no code"),
}


@pytest.mark.parametrize(("fields", "says"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_refusal_names_what_to_change(client: anthropic.AsyncAnthropic, fields: dict[str, Any], says: str) -> None:
    """The SDK raises its own typed error, of Anthropic's type, and the sentence names the field as Anthropic spells it."""
    with pytest.raises(anthropic.BadRequestError, match=re.escape(says)) as caught:
        await client.messages.create(**{"model": "haiku-support", **HARBOUR} | fields)

    assert caught.value.type == "invalid_request_error"
    assert caught.value.body["request_id"] == caught.value.request_id


async def test_who_may_ask_what(stack: Stack, client: anthropic.AsyncAnthropic) -> None:
    """A wrong key, a model that is not the key's, one that is nobody's; a bearer's key is as good as x-api-key."""
    ask = {"model": "haiku-support", **HARBOUR}
    with pytest.raises(anthropic.AuthenticationError) as wrong:
        await client.with_options(api_key="qk_wrong").messages.create(**ask)
    with pytest.raises(anthropic.PermissionDeniedError) as foreign:
        await client.with_options(api_key=LIMITED_SECRET).messages.create(**ask)
    with pytest.raises(anthropic.NotFoundError) as nobody:
        await client.messages.create(**ask | {"model": "nobody"})
    async with anthropic.AsyncAnthropic(base_url=stack.url, auth_token=SECRET, api_key=None) as bearer:
        message = await bearer.messages.create(**ask)

    types = [error.value.type for error in (wrong, foreign, nobody)]
    assert types == ["authentication_error", "permission_error", "not_found_error"]
    assert message.content


TROUBLES = [
    (faults.Throttle(), anthropic.RateLimitError, 429, "rate_limit_error"),
    (faults.Error(name="ServiceUnavailableException"), anthropic.InternalServerError, 502, "api_error"),
    (faults.Error(name="ModelErrorException", original_status_code=500), anthropic.InternalServerError, 502, "api_error"),
    (faults.Error(name="AccessDeniedException"), anthropic.InternalServerError, 502, "api_error"),
    (faults.Error(name="ModelTimeoutException"), anthropic.GatewayTimeoutError, 504, "timeout_error"),
    (
        faults.Error(name="ValidationException", message="Input is too long for requested model."),
        anthropic.BadRequestError,
        400,
        "invalid_request_error",
    ),
]


@ways
@pytest.mark.parametrize(("fault", "error", "status", "kind"), TROUBLES, ids=lambda value: getattr(value, "name", None))
async def test_trouble_before_the_first_byte(
    stack: Stack,
    client: anthropic.AsyncAnthropic,
    fault: faults.Fault,
    error: type[anthropic.APIStatusError],
    status: int,
    kind: str,
    stream: bool,
) -> None:
    """The true status, and the SDK's own typed error, streamed or not; no word of AWS's."""
    stack.plant(fault)

    with pytest.raises(error) as caught:
        await answered(client, stream=stream, model="haiku-support", **HARBOUR)

    assert (caught.value.status_code, caught.value.type) == (status, kind)
    assert "123456789012" not in str(caught.value.body)
    assert ("prompt is too long" in str(caught.value.body)) == (status == 400)


@pytest.mark.parametrize(
    "fault",
    [
        faults.CutMidFrame(after_chunks=9),
        faults.BadCrc(after_chunks=9),
        faults.CloseWithoutEnd(after_chunks=9),
        faults.ExceptionFrame(name="modelStreamErrorException", after_chunks=9),
    ],
    ids=lambda fault: type(fault).__name__,
)
async def test_trouble_inside_a_stream(
    stack: Stack, client: anthropic.AsyncAnthropic, http: httpx.AsyncClient, fault: faults.Fault
) -> None:
    """The last event is an error, under its name: no reason and no end before it, and the SDK raises it."""
    stack.plant(fault)

    stream = await client.messages.create(model="haiku-support", **HARBOUR, stream=True)
    with pytest.raises(anthropic.APIStatusError) as caught:
        async for event in stream:
            assert event.type not in {"message_delta", "message_stop"}
    reply = await http.post("/v1/messages", json={"model": "haiku-support", **HARBOUR, "stream": True})

    assert caught.value.type == "api_error"
    assert reply.text.count("event: error") == 1
    assert reply.text.rindex("event: ") == reply.text.index("event: error")
    assert json.loads(reply.text.rpartition("data: ")[2])["request_id"] == reply.headers["request-id"]


async def test_a_gateway_without_a_target_in_time(world: World) -> None:
    """What is unavailable for a while is Anthropic's overload, which the SDK knows and repeats."""
    model = next(model for model in world.shelf.entries if model.name == "qwen-import")
    sleepy = Route(
        targets=(Target(arn=model.arn, family=model.family, cold_start=ColdStart(patience_seconds=0.1), name="sleepy"),)
    )
    async with stack_over(world, models={"sleepy": sleepy}) as stack:
        stack.plant(faults.NotReady())
        async with anthropic.AsyncAnthropic(base_url=stack.url, api_key=SECRET, max_retries=0) as client:
            with pytest.raises(anthropic.OverloadedError) as caught:
                await client.messages.create(model="sleepy", **HARBOUR)

    assert (caught.value.status_code, caught.value.type) == (529, "overloaded_error")


async def test_a_body_that_is_too_large(client: anthropic.AsyncAnthropic) -> None:
    """413, as Anthropic says it."""
    with pytest.raises(anthropic.APIStatusError) as caught:
        await client.messages.create(model="haiku-support", **HARBOUR | {"system": "x" * 1_100_000})

    assert (caught.value.status_code, caught.value.type) == (413, "request_too_large")


async def test_batches(stack: Stack, client: anthropic.AsyncAnthropic) -> None:
    """What is not there is not found, as the SDK says it, by those who may ask."""
    with pytest.raises(anthropic.NotFoundError, match="no batches of messages") as caught:
        await client.messages.batches.list()
    with pytest.raises(anthropic.AuthenticationError):
        await client.with_options(api_key="qk_wrong").messages.batches.retrieve("batch_1")

    assert caught.value.type == "not_found_error"
    assert caught.value.request_id == caught.value.body["request_id"]


async def test_another_method(http: httpx.AsyncClient) -> None:
    """What is not posted is refused in Anthropic's envelope, too."""
    reply = await http.get("/v1/messages")

    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")
    assert reply.json()["error"]["type"] == "invalid_request_error"
