"""Content blocks through the whole path, in both envelopes: Nova's own body and Converse, as the official client sees them."""

import json
from typing import Any

import openai
import pytest

from gateway.sandbox import faults
from tests.path.test_chat import WEATHER, png
from tests.stack import Stack

ALIASES = {"nova-lite-support": "InvokeModel", "haiku-converse": "Converse"}
LISBON = [{"role": "user", "content": "What is the weather in Lisbon?"}]
ANSWER = {
    "type": "json_schema",
    "json_schema": {
        "name": "booking",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"room": {"type": "integer"}, "guest": {"type": "string"}},
            "required": ["room", "guest"],
            "additionalProperties": False,
        },
    },
}

both = pytest.mark.parametrize("alias", ALIASES)
ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


async def completed(stack: Stack, *, stream: bool, **asked: Any) -> Any:
    """The whole completion, however it came."""
    client = stack.client()
    if not stream:
        return await client.chat.completions.create(**asked)
    async with client.chat.completions.stream(**asked) as events:
        async for _ in events:
            pass
        return events.current_completion_snapshot


@both
@ways
async def test_each_is_asked_by_its_own_operation(stack: Stack, alias: str, stream: bool) -> None:
    """Nova's body goes to InvokeModel, Converse's to Converse; a stream to the operation that streams."""
    await completed(stack, stream=stream, model=alias, messages=LISBON)

    (record,) = stack.asked()
    streamed = {"InvokeModel": "InvokeModelWithResponseStream", "Converse": "ConverseStream"}
    assert record.operation == (streamed[ALIASES[alias]] if stream else ALIASES[alias])
    assert ("schemaVersion" in record.body) == (ALIASES[alias] == "InvokeModel")


@both
@ways
async def test_a_tool_call_and_its_answer(stack: Stack, alias: str, stream: bool) -> None:
    """The model calls, the caller answers, the model goes on; the call's id comes back as it was."""
    reply = await completed(stack, stream=stream, model=alias, messages=LISBON, tools=[WEATHER], max_tokens=100)
    choice = reply.choices[0]
    (call,) = choice.message.tool_calls

    assert choice.finish_reason == "tool_calls"
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Lisbon"})

    said = choice.message.model_dump(exclude_none=True, include={"role", "content", "tool_calls"})
    result = {"role": "tool", "tool_call_id": call.id, "content": "18 degrees and sunny"}
    answered = await completed(stack, stream=stream, model=alias, messages=[*LISBON, said, result], tools=[WEATHER])

    assert "18 degrees" in answered.choices[0].message.content
    assert stack.asked()[1].body["messages"][1]["content"][-1]["toolUse"]["toolUseId"] == call.id


@both
async def test_a_conversation_with_calls_goes_on_without_tools(stack: Stack, alias: str) -> None:
    """Bedrock refuses the blocks of calls where no tools are offered; the caller need not know."""
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Lisbon"}'}}
    messages = [
        *LISBON,
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "18 degrees and sunny"},
        {"role": "user", "content": "Thank you"},
    ]

    reply = await stack.client().chat.completions.create(model=alias, messages=messages)

    assert reply.choices[0].finish_reason == "stop"
    assert "toolConfig" not in stack.asked()[0].body


@both
async def test_an_image_reaches_the_model(stack: Stack, alias: str) -> None:
    """A data URL becomes a block with its true format; nothing is fetched."""
    content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": png()}}]

    await stack.client().chat.completions.create(model=alias, messages=[{"role": "user", "content": content}])

    image = stack.asked()[0].body["messages"][0]["content"][1]["image"]
    assert image == {"format": "png", "source": {"bytes": png().partition(",")[2]}}


@both
@ways
async def test_an_answer_in_json(stack: Stack, alias: str, stream: bool) -> None:
    """``response_format`` is honoured by a tool that the caller never sees: the answer is content, and ends with ``stop``."""
    asked = [{"role": "user", "content": "Guest: Ada Byron. Room: 614."}]
    reply = await completed(stack, stream=stream, model=alias, messages=asked, response_format=ANSWER, max_tokens=100)

    choice = reply.choices[0]
    assert (choice.finish_reason, choice.message.tool_calls) == ("stop", None)
    assert set(json.loads(choice.message.content)) == {"room", "guest"}


@both
@ways
async def test_a_stop_string(stack: Stack, alias: str, stream: bool) -> None:
    """The model itself stops, and says so."""
    asked = [{"role": "user", "content": "Count to 9"}]
    reply = await completed(stack, stream=stream, model=alias, messages=asked, stop=[", 4"])

    assert (reply.choices[0].message.content, reply.choices[0].finish_reason) == ("1, 2, 3", "stop")
    assert stack.asked()[0].body["inferenceConfig"]["stopSequences"] == [", 4"]


@both
@ways
async def test_a_limit_of_tokens(stack: Stack, alias: str, stream: bool) -> None:
    """The limit is the model's, and so is the word for it."""
    asked = [{"role": "user", "content": "Count to 99"}]
    reply = await completed(stack, stream=stream, model=alias, messages=asked, max_completion_tokens=5)

    assert reply.choices[0].finish_reason == "length"
    assert stack.asked()[0].output_tokens == 5


@both
@pytest.mark.parametrize(
    ("said", "parameter"),
    [({"logprobs": True}, "logprobs"), ({"presence_penalty": 1.5}, "presence_penalty")],
    ids=["logprobs", "presence_penalty"],
)
async def test_what_the_dialect_lacks_is_refused(stack: Stack, alias: str, said: dict[str, Any], parameter: str) -> None:
    """A 400 that names the parameter, before anything is asked."""
    with pytest.raises(openai.BadRequestError) as caught:
        await stack.client().chat.completions.create(model=alias, messages=LISBON, **said)

    assert caught.value.param == parameter
    assert stack.asked() == []


async def test_an_exception_before_the_first_event(stack: Stack) -> None:
    """A Converse stream that begins with an exception has that exception's own status."""
    stack.plant(faults.ExceptionFrame(after_chunks=0, name="throttlingException"))

    with pytest.raises(openai.RateLimitError):
        await stack.client().chat.completions.create(model="haiku-converse", messages=LISBON, stream=True)
