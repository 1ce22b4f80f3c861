"""A chat completion through the whole path, as the official client sees it."""

import base64
import json
import struct
import zlib

import openai
import pytest

from gateway.sandbox.models import models as sandbox_models
from tests.stack import Stack

ALIASES = [
    "titan-support",
    "command-light-support",
    "llama2-support",
    "llama3-support",
    "llama3-70b-support",
    "haiku-support",
    "nova-lite-support",
    "haiku-converse",
    "gpt-oss-import",
    "mistral-import",
    "mistral-large",
    "command-r",
]
WITH_TOOLS = ["haiku-support", "mistral-large", "command-r", "llama3-support", "llama3-70b-support"]
QUESTION = [
    {"role": "developer", "content": "You help the guests of a hotel."},
    {
        "role": "user",
        "content": "Summarise: The guest asked for a quiet room. The receptionist gave room 614. Breakfast is at seven.",
    },
]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def png() -> str:
    """A real one-pixel PNG as a data URL."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    image = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    image += chunk(b"IDAT", zlib.compress(b"\x00\x00")) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(image).decode()


@pytest.mark.parametrize("alias", ALIASES)
async def test_a_whole_reply(stack: Stack, alias: str) -> None:
    """Every family answers with text, a reason, and the upstream's own counts."""
    reply = await stack.client().chat.completions.create(model=alias, messages=QUESTION, max_tokens=100)

    (record,) = stack.asked()
    choice = reply.choices[0]
    assert choice.message.role == "assistant"
    assert "room" in choice.message.content
    assert choice.finish_reason == "stop"
    assert reply.model == alias
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (record.input_tokens, record.output_tokens)
    assert reply.usage.total_tokens == record.input_tokens + record.output_tokens


@pytest.mark.parametrize("alias", ALIASES)
async def test_a_stream_says_what_the_whole_reply_says(stack: Stack, alias: str) -> None:
    """The same deltas, joined: same text, same reason, same usage; one id, one model, the role once."""
    client = stack.client()
    whole = await client.chat.completions.create(model=alias, messages=QUESTION, max_tokens=100)

    stream = await client.chat.completions.create(
        model=alias, messages=QUESTION, max_tokens=100, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]

    spoken = [chunk for chunk in chunks if chunk.choices]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in spoken) == whole.choices[0].message.content
    assert [chunk.choices[0].delta.role for chunk in spoken if chunk.choices[0].delta.role] == ["assistant"]
    assert [chunk.choices[0].finish_reason for chunk in spoken if chunk.choices[0].finish_reason] == ["stop"]
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    assert {(chunk.id, chunk.model, chunk.created) for chunk in chunks} == {(chunks[0].id, alias, chunks[0].created)}


async def test_usage_is_sent_only_when_asked(stack: Stack) -> None:
    """Without ``include_usage`` no chunk has empty choices or a usage (traps 6 and 7)."""
    stream = await stack.client().chat.completions.create(model="haiku-support", messages=QUESTION, stream=True)

    chunks = [chunk async for chunk in stream]

    assert all(chunk.choices and chunk.usage is None for chunk in chunks)


async def test_several_choices(stack: Stack) -> None:
    """``n`` is three calls upstream, three choices here, and one sum of tokens (trap 12)."""
    reply = await stack.client().chat.completions.create(model="llama3-support", messages=QUESTION, n=3, max_tokens=50)

    assert [choice.index for choice in reply.choices] == [0, 1, 2]
    assert len(stack.asked()) == 3
    assert reply.usage.completion_tokens == sum(record.output_tokens for record in stack.asked())


async def test_several_choices_streamed(stack: Stack) -> None:
    """Choices interleave by index; each has its role and its reason once."""
    stream = await stack.client().chat.completions.create(
        model="haiku-support", messages=QUESTION, n=2, max_tokens=50, stream=True, stream_options={"include_usage": True}
    )

    chunks = [chunk async for chunk in stream]

    choices = [choice for chunk in chunks for choice in chunk.choices]
    for index in (0, 1):
        mine = [choice for choice in choices if choice.index == index]
        assert [choice.delta.role for choice in mine if choice.delta.role] == ["assistant"]
        assert [choice.finish_reason for choice in mine if choice.finish_reason] == ["stop"]
    assert chunks[-1].usage.completion_tokens == sum(record.output_tokens for record in stack.asked())


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("alias", WITH_TOOLS)
async def test_a_tool_call_and_its_answer(stack: Stack, alias: str, stream: bool) -> None:
    """The model calls, the caller answers, the model goes on: arguments are JSON text, indexes dense."""
    client = stack.client()
    asked = [{"role": "user", "content": "What is the weather in Lisbon?"}]
    if stream:
        async with client.chat.completions.stream(model=alias, messages=asked, tools=[WEATHER], max_tokens=100) as events:
            reply = await events.get_final_completion()
    else:
        reply = await client.chat.completions.create(model=alias, messages=asked, tools=[WEATHER], max_tokens=100)
    (call,) = reply.choices[0].message.tool_calls

    assert reply.choices[0].finish_reason == "tool_calls"
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == {"city": "Lisbon"}

    answered = await client.chat.completions.create(
        model=alias,
        messages=[
            *asked,
            reply.choices[0].message.model_dump(exclude_none=True, include={"role", "content", "tool_calls"}),
            {"role": "tool", "tool_call_id": call.id, "content": "18 degrees and sunny"},
        ],
        tools=[WEATHER],
        max_tokens=100,
    )

    assert "18 degrees and sunny" in answered.choices[0].message.content


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_cohere_tells_its_likelihoods(stack: Stack, stream: bool) -> None:
    """Each token of the answer with its logarithm; a stream has them too, in one piece."""
    reply = await stack.client().chat.completions.create(
        model="command-light-support", messages=QUESTION, max_tokens=100, logprobs=True, stream=stream
    )
    choices = [chunk.choices[0] async for chunk in reply] if stream else reply.choices
    told = [token for choice in choices if choice.logprobs for token in choice.logprobs.content]
    text = "".join(choice.delta.content or "" for choice in choices) if stream else choices[0].message.content

    assert "".join(token.token for token in told) == text
    assert {(token.logprob, tuple(token.top_logprobs)) for token in told} == {(-0.9, ())}
    assert "stream" not in stack.asked()[0].body


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_an_answer_in_json_from_a_family_without_a_field_for_it(stack: Stack, stream: bool) -> None:
    """Mistral Large answers to a schema by a tool that the caller never sees."""
    schema = {"type": "object", "properties": {"room": {"type": "integer"}}, "required": ["room"], "additionalProperties": False}
    wanted = {"type": "json_schema", "json_schema": {"name": "room", "schema": schema, "strict": True}}
    asked = [{"role": "user", "content": "Which room? It is room 614."}]
    raw = await stack.client().chat.completions.with_raw_response.create(
        model="mistral-large", messages=asked, response_format=wanted, stream=stream
    )
    reply = raw.parse()
    if stream:
        chunks = [chunk async for chunk in reply]
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        end = chunks[-1].choices[0].finish_reason
    else:
        text, end = reply.choices[0].message.content, reply.choices[0].finish_reason

    assert json.loads(text) == {"room": 614}
    assert end == "stop"
    assert "response_format.strict" in raw.headers["x-quarry-ignored-parameters"]


async def test_documents_reach_command_r(stack: Stack) -> None:
    """A text file becomes a document with its name; a PDF is refused by its place, before anything is asked."""
    client = stack.client()

    def asked(media_type: str) -> list[dict]:
        data = base64.b64encode(b"Breakfast is at seven.").decode()
        file = {"type": "file", "file": {"filename": "hotel", "file_data": f"data:{media_type};base64,{data}"}}
        return [{"role": "user", "content": [file, {"type": "text", "text": "When is breakfast?"}]}]

    reply = await client.chat.completions.create(model="command-r", messages=asked("text/plain"))
    with pytest.raises(openai.BadRequestError) as refused:
        await client.chat.completions.create(model="command-r", messages=asked("application/pdf"))

    (record,) = stack.asked()
    assert record.body["documents"] == [{"title": "hotel", "snippet": "Breakfast is at seven."}]
    assert reply.choices[0].message.content
    assert refused.value.param == "messages[0].content[0]"


async def test_an_image_reaches_the_model(stack: Stack) -> None:
    """A data URL becomes the family's own image block; nothing is fetched."""
    content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": png()}}]

    await stack.client().chat.completions.create(model="haiku-support", messages=[{"role": "user", "content": content}])

    block = stack.asked()[0].body["messages"][0]["content"][1]
    assert block["source"]["media_type"] == "image/png"


@pytest.mark.parametrize("alias", ["llama3-support", "mistral-large"])
async def test_stop_on_a_family_that_has_none(stack: Stack, alias: str) -> None:
    """Llama has no stop: the gateway truncates, says ``stop``, and cuts the upstream off (trap 13)."""
    stack.world.pace = 200
    client = stack.client()
    full = await client.chat.completions.create(model=alias, messages=QUESTION)
    word = full.choices[0].message.content.split()[3]

    stream = await client.chat.completions.create(model=alias, messages=QUESTION, stop=word, stream=True)
    chunks = [chunk async for chunk in stream]

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == full.choices[0].message.content.split(word)[0]
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("alias", "field"), [("mistral-import", "stop"), ("command-r", "stop_sequences")])
async def test_stop_on_a_family_that_has_it(stack: Stack, alias: str, field: str, stream: bool) -> None:
    """It goes to the model by its own name, and the answer ends before it."""
    client = stack.client()
    asked = [{"role": "user", "content": "Count to 9"}]

    reply = await client.chat.completions.create(model=alias, messages=asked, stop=["5", "7"], stream=stream)
    text = (
        "".join([chunk.choices[0].delta.content or "" async for chunk in reply]) if stream else reply.choices[0].message.content
    )

    assert text.strip() == "1, 2, 3, 4,"
    assert stack.asked()[0].body[field] == ["5", "7"]


async def test_rounds_of_tools_stay_in_the_conversation(stack: Stack) -> None:
    """A second question after a call and its answer: every family with tools holds the first round in its own form."""
    client = stack.client()
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Porto"}'}}
    said = [
        {"role": "user", "content": "What is the weather in Porto?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": '{"degrees": 20}'},
        {"role": "assistant", "content": "20 degrees."},
        {"role": "user", "content": "What is the weather in Lisbon?"},
    ]

    for alias in WITH_TOOLS:
        reply = await client.chat.completions.create(model=alias, messages=said, tools=[WEATHER], max_tokens=100)

        (again,) = reply.choices[0].message.tool_calls
        assert json.loads(again.function.arguments) == {"city": "Lisbon"}, alias


async def test_what_was_ignored_is_named(stack: Stack) -> None:
    """Advisory parameters are accepted and named in a header, never dropped in silence (trap 29)."""
    raw = await stack.client().chat.completions.with_raw_response.create(
        model="titan-support", messages=QUESTION, user="someone", seed=7, frequency_penalty=0
    )

    assert set(raw.headers["x-quarry-ignored-parameters"].split(", ")) == {"user", "seed", "frequency_penalty"}
    assert raw.headers["x-quarry-target"] == "titan-support"
    assert raw.headers["x-quarry-attempts"] == "1"
    assert {part.split(";")[0].strip() for part in raw.headers["server-timing"].split(",")} == {"auth", "translate", "upstream"}


async def test_a_callers_request_id_comes_back(stack: Stack) -> None:
    """A well-formed id is echoed; another is replaced, never reflected."""
    create = stack.client().chat.completions.with_raw_response.create

    kept = await create(model="titan-support", messages=QUESTION, extra_headers={"x-request-id": "order-48213.a"})
    replaced = await create(model="titan-support", messages=QUESTION, extra_headers={"x-request-id": "a b<script>"})

    assert kept.headers["x-request-id"] == "order-48213.a"
    assert replaced.headers["x-request-id"].startswith("req-")


async def test_a_cold_model_is_waited_for(stack: Stack) -> None:
    """The caller of a sleeping imported model gets an answer, and is told what it took."""
    raw = await stack.client().chat.completions.with_raw_response.create(model="qwen-import", messages=QUESTION)

    assert raw.parse().choices[0].message.content
    assert float(raw.headers["x-quarry-cold-start-seconds"]) >= 0.5
    assert int(raw.headers["x-quarry-attempts"]) >= 2
    assert stack.asked()[0].error == "ModelNotReadyException"


async def test_models_are_those_the_key_may_use(stack: Stack) -> None:
    """The list is the key's, not the account's, and tells nothing of ARNs."""
    client = stack.client()

    listed = [model.id async for model in client.models.list()]

    assert set(ALIASES) <= set(listed)
    assert (await client.models.retrieve("titan-support")).id == "titan-support"
    assert "arn:" not in (await client.models.with_raw_response.list()).text
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("nobody")


def test_the_aliases_here_are_the_sandboxs() -> None:
    """A family added to the sandbox is not forgotten here."""
    assert set(ALIASES) <= {model.name for model in sandbox_models()}
