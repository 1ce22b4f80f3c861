"""A response through the whole path, as the official client sees it."""

import base64
import json
from typing import Any

import httpx
import openai
import pydantic
import pytest

from adapters.deltas import Thought
from gateway.sandbox import faults
from gateway.surface.openai.responses.thoughts import packed
from tests.stack import Stack

ALIASES = ["titan-support", "command-light-support", "llama3-support", "haiku-support", "gpt-oss-import"]
HARBOUR: dict[str, Any] = {
    "instructions": "You help the guests of a hotel.",
    "input": [{"role": "user", "content": "Tell me about the harbour."}],
    "max_output_tokens": 60,
}
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
LISBON = {"role": "user", "content": "What is the weather in Lisbon?"}


@pytest.mark.parametrize("alias", ALIASES)
async def test_a_whole_response(stack: Stack, alias: str) -> None:
    """Every family answers with a message, a status, and the upstream's own counts."""
    reply = await stack.client().responses.create(model=alias, **HARBOUR)

    (record,) = stack.asked()
    assert reply.output_text
    assert (reply.model, reply.status in {"completed", "incomplete"}) == (alias, True)
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (record.input_tokens, record.output_tokens)
    assert reply.id == f"resp_{reply._request_id}"


@pytest.mark.parametrize("alias", ALIASES)
async def test_a_stream_says_what_the_whole_response_says(stack: Stack, alias: str) -> None:
    """The same steps, told one by one: same items, same usage, and the last event holds all of it."""
    whole = await stack.client().responses.create(model=alias, **HARBOUR)

    stream = await stack.client().responses.create(model=alias, **HARBOUR, stream=True)
    events = [event async for event in stream]

    last = events[-1].response
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == whole.output_text
    assert (last.status, last.output_text, last.usage) == (whole.status, whole.output_text, whole.usage)
    assert [event.sequence_number for event in events] == list(range(len(events)))


@pytest.mark.parametrize("alias", ["haiku-support", "gpt-oss-import"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_call_and_its_result(stack: Stack, alias: str, stream: bool) -> None:
    """The model calls, the caller answers with the items as they came, the model goes on."""
    client = stack.client()
    asked: dict[str, Any] = {"model": alias, "tools": [WEATHER], "input": [LISBON]}
    if stream:
        async with client.responses.stream(**asked) as events:
            reply = await events.get_final_response()
    else:
        reply = await client.responses.create(**asked)
    (call,) = [item for item in reply.output if item.type == "function_call"]
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "18 degrees and sunny"}

    final = await client.responses.create(**asked | {"input": [LISBON, *reply.output, result]})

    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Lisbon"})
    assert final.output_text
    assert "18 degrees and sunny" in str(stack.asked()[-1].body)


async def test_tool_choice(stack: Stack) -> None:
    """A named function is called, whatever was asked."""
    reply = await stack.client().responses.create(
        model="haiku-support", **HARBOUR, tools=[WEATHER], tool_choice={"type": "function", "name": "get_weather"}
    )

    assert [item.type for item in reply.output][-1] == "function_call"
    assert reply.tool_choice.name == "get_weather"


class Answer(pydantic.BaseModel):
    """What is wanted."""

    answer: str


@pytest.mark.parametrize("alias", ["gpt-oss-import", "haiku-support", "sonnet-4-5"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_structured_output(stack: Stack, alias: str, stream: bool) -> None:
    """A pydantic model goes out as a schema, and comes back as the model, however the family is held to it."""
    asked: dict[str, Any] = {
        "model": alias,
        "input": "Tell me about the harbour.",
        "text_format": Answer,
        "max_output_tokens": 200,
    }
    if stream:
        async with stack.client().responses.stream(**asked) as events:
            reply = await events.get_final_response()
    else:
        reply = await stack.client().responses.parse(**asked)

    assert isinstance(reply.output_parsed, Answer)
    assert [item.type for item in reply.output] == ["message"]
    assert reply.text.format.name == "Answer"


async def test_a_schema_that_is_only_asked_for_is_named(stack: Stack) -> None:
    """Where the family does not enforce it, the header says so in the names of this endpoint."""
    wanted = {"type": "json_schema", "name": "a", "schema": Answer.model_json_schema(), "strict": True}

    raw = await stack.client().responses.with_raw_response.create(
        model="haiku-support", input="hi", text={"format": wanted}, max_output_tokens=200
    )

    assert raw.headers["x-quarry-ignored-parameters"] == "text.format.strict"


async def test_an_image(stack: Stack) -> None:
    """An image of the input reaches a family that reads images."""
    gif = "data:image/gif;base64," + base64.b64encode(b"GIF89a\x01\x00\x01\x00\x00\x00\x00;").decode()
    parts = [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": gif, "detail": "auto"}]

    reply = await stack.client().responses.create(model="haiku-support", input=[{"role": "user", "content": parts}])

    assert reply.output_text
    assert "image/gif" in str(stack.asked()[-1].body)


async def test_length(stack: Stack) -> None:
    """An answer that is cut off by its length is incomplete, and says why; also in the last event's name."""
    asked: dict[str, Any] = {"model": "haiku-support"} | HARBOUR | {"max_output_tokens": 3}

    reply = await stack.client().responses.create(**asked)
    events = [event async for event in await stack.client().responses.create(**asked, stream=True)]

    assert (reply.status, reply.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert events[-1].type == "response.incomplete"
    assert events[-1].response.output[-1].status == "incomplete"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("alias", ["sonnet-3-7", "sonnet-4-5"])
async def test_thoughts_there_and_back(stack: Stack, alias: str, stream: bool) -> None:
    """Items sent back as they came hold what the model thought and its seal over it, and the model goes on from there."""
    client = stack.client()
    asked: dict[str, Any] = {
        "model": alias,
        "reasoning": {"effort": "low"},
        "max_output_tokens": 4000,
        "tools": [WEATHER],
        "include": ["reasoning.encrypted_content"],
    }
    if stream:
        async with client.responses.stream(**asked, input=[LISBON]) as events:
            output = (await events.get_final_response()).output
    else:
        output = (await client.responses.create(**asked, input=[LISBON])).output
    result = {"type": "function_call_output", "call_id": output[-1].call_id, "output": "18 degrees and sunny"}

    last = await client.responses.create(**asked, input=[LISBON, *output, result])

    native = stack.asked()[1].body["messages"][1]["content"]
    assert [item.type for item in output] == ["reasoning", "function_call"]
    assert [block["type"] for block in native] == ["thinking", "tool_use"]
    assert native[0]["thinking"] == output[0].content[0].text
    assert native[0]["signature"]
    assert "sunny" in last.output_text
    assert last.usage.output_tokens_details.reasoning_tokens > 0


async def test_a_forged_thought(stack: Stack) -> None:
    """A thought that the model does not know for its own is refused in the words of this endpoint."""
    forged = {"type": "reasoning", "summary": [], "encrypted_content": packed(Thought("I think not", "Zm9yZ2Vk"))}
    said = {"role": "assistant", "content": "12"}
    with pytest.raises(openai.BadRequestError, match="send the reasoning items back unchanged") as refused:
        await stack.client().responses.create(
            model="sonnet-3-7", input=[LISBON, forged, said, LISBON], reasoning={"effort": "low"}, max_output_tokens=4000
        )

    assert refused.value.param == "input"


REFUSED = {
    "a stored response": ({"previous_response_id": "resp_1"}, "send the earlier items in input", "previous_response_id"),
    "the background": ({"background": True}, "background is not supported", "background"),
    "a hosted tool": ({"tools": [{"type": "web_search"}]}, "functions are the only kind", "tools[0].type"),
    "too long": ({"max_output_tokens": 300_000}, "max_output_tokens 300000 is outside", "max_output_tokens"),
    "too hot": ({"temperature": 1.9}, "temperature 1.9 is outside", "temperature"),
    "no tools": ({"model": "titan-support", "tools": [WEATHER]}, "tools is not supported by family", "tools"),
    "no schema": (
        {"model": "titan-support", "text": {"format": {"type": "json_object"}}},
        "text.format is not supported by family",
        "text.format",
    ),
    "no effort": (
        {"model": "titan-support", "reasoning": {"effort": "low"}},
        "reasoning.effort is not supported by family",
        "reasoning.effort",
    ),
    "no log probabilities": ({"model": "titan-support", "top_logprobs": 2}, "include is not supported.*top_logprobs", "include"),
    "no images": (
        {
            "model": "titan-support",
            "input": [{"role": "user", "content": [{"type": "input_image", "image_url": "data:image/gif;base64,R0lGODlh"}]}],
        },
        "input is an image",
        "input",
    ),
}


@pytest.mark.parametrize(("fields", "message", "parameter"), REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_refused(stack: Stack, fields: dict[str, Any], message: str, parameter: str, stream: bool) -> None:
    """What nothing here, or not this family, can do is a 400 in the names of this endpoint."""
    with pytest.raises(openai.BadRequestError, match=message) as caught:
        await stack.client().responses.create(**{"model": "haiku-support", "stream": stream} | HARBOUR | fields)

    assert caught.value.param == parameter
    assert stack.asked() == []


async def test_ignored(stack: Stack) -> None:
    """What changes no answer is named in the header, in the names of this endpoint, and nothing claims to be stored."""
    raw = await stack.client().responses.with_raw_response.create(
        model="titan-support", **HARBOUR, store=True, user="u", reasoning={"summary": "auto"}, metadata={"a": "b"}
    )
    reply = raw.parse()

    assert set(raw.headers["x-quarry-ignored-parameters"].split(", ")) == {"store", "user", "reasoning.summary"}
    assert (reply.store, reply.metadata) == (False, {"a": "b"})


async def test_nothing_is_stored(stack: Stack) -> None:
    """A response can be read once: as the reply."""
    client = stack.client()
    reply = await client.responses.create(model="haiku-support", **HARBOUR)

    with pytest.raises(openai.NotFoundError, match="stores no responses"):
        await client.responses.retrieve(reply.id)
    with pytest.raises(openai.NotFoundError, match="stores no responses"):
        await client.responses.delete(reply.id)


BREAKS = {
    "a frame that is cut": faults.CutMidFrame(after_chunks=4),
    "a byte that is wrong": faults.BadCrc(after_chunks=4),
    "an end that is missing": faults.CloseWithoutEnd(after_chunks=4),
    "an exception": faults.ExceptionFrame(after_chunks=4),
}


@pytest.mark.parametrize("fault", BREAKS.values(), ids=BREAKS.keys())
async def test_a_stream_that_breaks(stack: Stack, fault: faults.Fault) -> None:
    """However an upstream breaks off: the text up to there, an error that the client raises, and a failed response last."""
    stack.plant(fault)
    asked = {"model": "haiku-support", "stream": True} | HARBOUR
    async with httpx.AsyncClient(base_url=stack.url, headers=stack.headers) as http:
        names = [
            line.removeprefix("event: ")
            for line in (await http.post("/v1/responses", json=asked)).text.splitlines()
            if line.startswith("event: ")
        ]
    said = []
    stream = await stack.client().responses.create(**asked)
    with pytest.raises(openai.APIError) as caught:
        async for event in stream:
            said += [event.type]

    assert names[:2] == ["response.created", "response.in_progress"]
    assert names[-3:] == ["response.output_text.delta", "error", "response.failed"]
    assert said[-1] == "response.output_text.delta"
    assert caught.value.code == "upstream_error"
    assert {line["outcome"] for line in stack.lines()} == {"cut"}


async def test_an_early_failure_keeps_its_status(stack: Stack) -> None:
    """What fails before the first piece of the answer is no stream at all."""
    stack.plant(faults.Throttle())

    with pytest.raises(openai.RateLimitError):
        await stack.client().responses.create(model="haiku-support", **HARBOUR, stream=True)


async def test_leaving(stack: Stack, within: Any) -> None:
    """Who leaves a stream leaves no upstream open."""
    stack.plant(faults.Stall(after_chunks=4))
    stream = await stack.client().responses.create(model="haiku-support", **HARBOUR, stream=True)
    async for event in stream:
        if event.type == "response.output_text.delta":
            break
    await stream.close()

    (line,) = await within(stack.lines)
    assert line["outcome"] == "client_gone"
