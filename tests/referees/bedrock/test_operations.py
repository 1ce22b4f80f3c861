"""Unmodified boto3 in front of the gateway: the four operations, whole and streamed, for every family."""

import asyncio
import json
from typing import Any

import aioboto3
import httpx
import pytest

from adapters import FAMILIES
from gateway.sandbox.models import models
from gateway.sandbox.world import World
from gateway.settings import Route, Target
from tests.referees.bedrock.calls import ASK, COUNTED, REGION, client, invoke, said, stream
from tests.referees.sandbox.calls import BODIES, CHUNK_TEXT, WHOLE_TEXT
from tests.stack import Stack, stack_over

CHATS = [model for model in models() if model.family in FAMILIES]
NATIVE = [model.name for model in CHATS if model.name in BODIES]
TOOLS = [
    model.name
    for model in CHATS
    if model.base.tools and "tools" in FAMILIES[model.family].accepts and FAMILIES[model.family].accepts["tool_choice"] is None
]
TOOL = {
    "toolSpec": {
        "name": "get_weather",
        "description": "The weather in a city",
        "inputSchema": {"json": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
    }
}
WEATHER = {
    "messages": [{"role": "user", "content": [{"text": "What is the weather in Lisbon?"}]}],
    "toolConfig": {"tools": [TOOL], "toolChoice": {"any": {}}},
    "inferenceConfig": {"maxTokens": 100},
}


@pytest.mark.parametrize("alias", NATIVE)
async def test_invoke(stack: Stack, runtime: Any, alias: str) -> None:
    """A native body reaches the model as it was written; its reply and the counts in the headers come back."""
    body, headers = await asyncio.to_thread(invoke, runtime, alias, BODIES[alias])

    (record,) = stack.asked()
    assert record.operation == "InvokeModel"
    assert record.body == BODIES[alias]
    assert WHOLE_TEXT[alias](json.loads(body)).strip() == COUNTED
    assert headers["x-amzn-bedrock-input-token-count"] == str(record.input_tokens)
    assert headers["x-amzn-bedrock-output-token-count"] == str(record.output_tokens)
    assert headers["x-amzn-bedrock-invocation-latency"].isdigit()
    assert headers["content-type"] == "application/json"
    assert headers["x-amzn-requestid"] == headers["x-request-id"]


@pytest.mark.parametrize("alias", NATIVE)
async def test_invoke_stream(stack: Stack, runtime: Any, alias: str) -> None:
    """Every chunk of a native stream comes, the one with Bedrock's metrics last."""
    chunks = await asyncio.to_thread(stream, runtime, alias, BODIES[alias])

    (record,) = stack.asked()
    assert record.operation == "InvokeModelWithResponseStream"
    assert "".join(CHUNK_TEXT[alias](json.loads(chunk)) for chunk in chunks).strip() == COUNTED
    assert json.loads(chunks[-1])["amazon-bedrock-invocationMetrics"]["outputTokenCount"] == record.output_tokens


@pytest.mark.parametrize("alias", [model.name for model in CHATS])
async def test_converse(stack: Stack, runtime: Any, alias: str) -> None:
    """Converse in front of every chat family, those that AWS has none for among them: text, reason, counts."""
    reply = await asyncio.to_thread(runtime.converse, modelId=alias, **ASK)

    record = stack.asked()[-1]
    assert reply["output"]["message"]["role"] == "assistant"
    assert "".join(block["text"] for block in reply["output"]["message"]["content"]).strip() == COUNTED
    assert reply["stopReason"] == "end_turn"
    assert reply["usage"]["inputTokens"] == record.input_tokens
    assert reply["usage"]["outputTokens"] == record.output_tokens
    assert reply["usage"]["totalTokens"] == record.input_tokens + record.output_tokens
    assert reply["metrics"]["latencyMs"] >= 0
    assert reply["ResponseMetadata"]["RequestId"] == stack.lines()[0]["request_id"]


@pytest.mark.parametrize("alias", [model.name for model in CHATS])
async def test_converse_stream(stack: Stack, runtime: Any, alias: str) -> None:
    """The same as a stream, in AWS's order: start, deltas, stop of the block, stop of the message, counts."""

    def ask() -> list[dict[str, Any]]:
        return list(runtime.converse_stream(modelId=alias, **ASK)["stream"])

    events = await asyncio.to_thread(ask)

    record = stack.asked()[-1]
    kinds = [next(iter(event)) for event in events]
    assert kinds[0] == "messageStart"
    assert set(kinds[1:-3]) == {"contentBlockDelta"}
    assert kinds[-3:] == ["contentBlockStop", "messageStop", "metadata"]
    assert said(events).strip() == COUNTED
    assert events[-2] == {"messageStop": {"stopReason": "end_turn"}}
    assert events[-1]["metadata"]["usage"]["inputTokens"] == record.input_tokens
    assert events[-1]["metadata"]["usage"]["outputTokens"] == record.output_tokens


@pytest.mark.parametrize("alias", TOOLS)
async def test_a_tool_is_called_and_answered(stack: Stack, runtime: Any, alias: str) -> None:
    """A call comes as Converse has it, and its result goes back to the model in the next turn."""
    call = await asyncio.to_thread(runtime.converse, modelId=alias, **WEATHER)
    (block,) = [block for block in call["output"]["message"]["content"] if "toolUse" in block]
    use = block["toolUse"]
    result = {"toolUseId": use["toolUseId"], "content": [{"json": {"degrees": 18}}, {"text": "sunny"}], "status": "success"}
    turns = [
        *WEATHER["messages"],
        call["output"]["message"],
        {"role": "user", "content": [{"toolResult": result}, {"text": "And now?"}]},
    ]
    answer = await asyncio.to_thread(
        runtime.converse, modelId=alias, messages=turns, toolConfig={"tools": [TOOL]}, inferenceConfig={"maxTokens": 100}
    )

    assert (use["name"], call["stopReason"]) == ("get_weather", "tool_use")
    assert isinstance(use["input"]["city"], str)
    assert "degrees" in json.dumps(stack.asked()[-1].body)
    assert answer["output"]["message"]["content"]


@pytest.mark.parametrize("alias", TOOLS)
async def test_a_tool_is_called_in_a_stream(runtime: Any, alias: str) -> None:
    """The call's start names it, its deltas join to the arguments of the whole reply."""

    def ask() -> list[dict[str, Any]]:
        return list(runtime.converse_stream(modelId=alias, **WEATHER)["stream"])

    events = await asyncio.to_thread(ask)
    whole = await asyncio.to_thread(runtime.converse, modelId=alias, **WEATHER)

    (start,) = [event["contentBlockStart"] for event in events if "contentBlockStart" in event]
    index = start["contentBlockIndex"]
    deltas = [event["contentBlockDelta"] for event in events if "contentBlockDelta" in event]
    arguments = "".join(delta["delta"]["toolUse"]["input"] for delta in deltas if delta["contentBlockIndex"] == index)
    assert start["start"]["toolUse"]["name"] == "get_weather"
    assert json.loads(arguments) == whole["output"]["message"]["content"][index]["toolUse"]["input"]
    assert events[-2] == {"messageStop": {"stopReason": "tool_use"}}


async def test_aioboto3(stack: Stack) -> None:
    """The asynchronous client is let in by the same key and does all four."""
    session = aioboto3.Session(region_name=REGION)
    async with session.client("bedrock-runtime", endpoint_url=f"{stack.url}/bedrock") as runtime:
        body = json.dumps(BODIES["haiku-support"])
        invoked = await runtime.invoke_model(modelId="haiku-support", body=body)
        streamed = await runtime.invoke_model_with_response_stream(modelId="haiku-support", body=body)
        chunks = [event["chunk"]["bytes"] async for event in streamed["body"]]
        conversed = await runtime.converse(modelId="haiku-support", **ASK)
        streaming = await runtime.converse_stream(modelId="haiku-support", **ASK)
        events = [event async for event in streaming["stream"]]

    assert WHOLE_TEXT["haiku-support"](json.loads(await invoked["body"].read())) == COUNTED
    assert "".join(CHUNK_TEXT["haiku-support"](json.loads(chunk)) for chunk in chunks) == COUNTED
    assert conversed["output"]["message"]["content"] == [{"text": COUNTED}]
    assert said(events) == COUNTED


@pytest.mark.parametrize("alias", ["team/haiku:v1", "a.b_c-d", "A:/:B", "x" * 128], ids=["both", "plain", "odd", "long"])
async def test_an_alias_of_any_name(world: World, alias: str) -> None:
    """Whatever an alias may hold, boto3 encodes it as one label and the gateway finds it again."""
    haiku = world.shelf.find("haiku-support")
    route = Route(targets=(Target(arn=haiku.arn, family=haiku.family, name="odd"),))
    async with stack_over(world, models={alias: route}) as stack:
        runtime = client(stack.url)
        body, headers = await asyncio.to_thread(invoke, runtime, alias, BODIES["haiku-support"])
        reply = await asyncio.to_thread(runtime.converse, modelId=alias, **ASK)

    assert WHOLE_TEXT["haiku-support"](json.loads(body)) == COUNTED
    assert headers["x-quarry-target"] == "odd"
    assert reply["output"]["message"]["content"] == [{"text": COUNTED}]


PATHS = {
    "a label as it is": "/bedrock/model/team/a:1/converse",
    "a label encoded": "/bedrock/model/team%2Fa%3A1/converse",
    "half encoded, as Anthropic's client does": "/bedrock/model/team%2Fa:1/converse",
    "slashes too many": "/bedrock//model//team%2Fa%3A1//converse",
    "a slash at the end": "/bedrock/model/team%2Fa%3A1/converse/",
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
async def test_a_path_of_any_form(world: World, path: str) -> None:
    """What clients make of an alias in a path is all the same alias."""
    haiku = world.shelf.find("haiku-support")
    models = {"team/a:1": Route(targets=(Target(arn=haiku.arn, family=haiku.family),))}
    async with stack_over(world, models=models) as stack, httpx.AsyncClient(headers=stack.headers) as http:
        reply = await http.post(f"{stack.url}{path}", json=ASK)

    assert reply.json()["output"]["message"]["content"] == [{"text": COUNTED}]
