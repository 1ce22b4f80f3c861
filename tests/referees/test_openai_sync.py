"""The official client without asyncio, as most backends use it: against the gateway in a thread of its own."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from gateway.sandbox.world import World
from tests.stack import SECRET
from tests.threaded import serving

QUESTION: list[Any] = [{"role": "user", "content": "What is the weather in Lisbon?"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A running gateway's."""
    with serving(World()) as found:
        yield found


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    """The official client, which repeats nothing by itself."""
    with openai.OpenAI(base_url=f"{url}/v1", api_key=SECRET, max_retries=0) as made:
        yield made


def test_whole(client: openai.OpenAI) -> None:
    """A reply, its usage, its request id."""
    reply = client.chat.completions.create(model="titan-support", messages=QUESTION, max_tokens=40)

    assert reply.choices[0].message.content
    assert reply.usage is not None
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens > 0
    assert (reply._request_id or "").startswith("req-")


def test_stream(client: openai.OpenAI) -> None:
    """The same text chunk by chunk, and the usage last."""
    whole = client.chat.completions.create(model="llama3-support", messages=QUESTION, max_tokens=40)

    with client.chat.completions.create(
        model="llama3-support", messages=QUESTION, max_tokens=40, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage


def test_leaving_a_stream(client: openai.OpenAI) -> None:
    """A stream that is closed half way leaves the client, and the gateway, fit for the next request."""
    with client.chat.completions.create(model="haiku-support", messages=QUESTION, stream=True) as stream:
        next(iter(stream))

    assert client.chat.completions.create(model="haiku-support", messages=QUESTION).choices[0].message.content


def test_tools(client: openai.OpenAI) -> None:
    """The helper that gathers a streamed tool call finds the same call as the whole reply; and the answer is taken back."""
    asked: dict[str, Any] = {"model": "haiku-support", "messages": QUESTION, "tools": [WEATHER]}
    whole = client.chat.completions.create(**asked)
    with client.chat.completions.stream(**asked) as events:
        (streamed,) = events.get_final_completion().choices[0].message.tool_calls or ()
    (call,) = whole.choices[0].message.tool_calls or ()
    answer = {"role": "tool", "tool_call_id": call.id, "content": "18 degrees and sunny"}
    said = whole.choices[0].message.model_dump(exclude_none=True, include={"role", "content", "tool_calls"})

    final = client.chat.completions.create(**asked | {"messages": [*QUESTION, said, answer]})

    assert call.function.name == streamed.function.name == "get_weather"
    assert json.loads(call.function.arguments) == json.loads(streamed.function.arguments) == {"city": "Lisbon"}
    assert final.choices[0].message.content


def test_errors(client: openai.OpenAI) -> None:
    """Typed errors, whole and streamed alike, raised at the call."""
    for stream in (False, True):
        with pytest.raises(openai.NotFoundError, match="There is no model"):
            client.chat.completions.create(model="nobody", messages=QUESTION, stream=stream)
        with pytest.raises(openai.BadRequestError) as caught:
            client.chat.completions.create(model="titan-support", messages=QUESTION, temperature=1.9, stream=stream)
        assert caught.value.param == "temperature"


def test_completions(client: openai.OpenAI) -> None:
    """A prompt is completed, whole and streamed alike."""
    asked: dict[str, Any] = {"model": "llama3-support", "prompt": "The harbour", "max_tokens": 20, "echo": True}
    whole = client.completions.create(**asked)

    with client.completions.create(**asked, stream=True, stream_options={"include_usage": True}) as stream:
        *chunks, last = stream

    assert whole.choices[0].text.startswith("The harbour")
    assert "".join(chunk.choices[0].text for chunk in chunks) == whole.choices[0].text
    assert last.usage == whole.usage


def test_errors_of_completions(client: openai.OpenAI) -> None:
    """Typed errors, whole and streamed alike, raised at the call."""
    for stream in (False, True):
        with pytest.raises(openai.NotFoundError, match="There is no model"):
            client.completions.create(model="nobody", prompt="x", stream=stream)
        with pytest.raises(openai.BadRequestError, match="ask /v1/chat/completions") as caught:
            client.completions.create(model="haiku-support", prompt="x", stream=stream)
        assert caught.value.param == "prompt"


FLAT: Any = {"type": "function", **WEATHER["function"]}


def test_responses(client: openai.OpenAI) -> None:
    """A response, whole and streamed alike, and a reply that is sent back with its call answered."""
    asked: dict[str, Any] = {"model": "haiku-support", "input": QUESTION, "tools": [FLAT]}
    whole = client.responses.create(**asked)
    with client.responses.stream(**asked) as events:
        streamed = events.get_final_response()
    (call,) = whole.output
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "18 degrees and sunny"}

    final = client.responses.create(**asked | {"input": [*QUESTION, *whole.output, result]})

    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Lisbon"})
    assert (streamed.output[0].name, json.loads(streamed.output[0].arguments)) == (call.name, json.loads(call.arguments))
    assert streamed.usage == whole.usage
    assert final.output_text


def test_errors_of_responses(client: openai.OpenAI) -> None:
    """Typed errors, whole and streamed alike, raised at the call."""
    for stream in (False, True):
        with pytest.raises(openai.NotFoundError, match="There is no model"):
            client.responses.create(model="nobody", input="x", stream=stream)
        with pytest.raises(openai.BadRequestError, match="stores no responses") as caught:
            client.responses.create(model="haiku-support", input="x", previous_response_id="resp_1", stream=stream)
        assert caught.value.param == "previous_response_id"
